import { announcedBy, leadTo } from '../bird.ts';
import { LabError } from '../errors.ts';
import type { Journey, Step } from '../journey.ts';
import type { Lab } from '../lab.ts';
import { ping } from '../ping.ts';
import { ANYCAST } from '../topology.ts';

const ANNOUNCED_MS = 10_000;

const requirePop = async (lab: Lab, expected: string): Promise<void> => {
  for (const address of [ANYCAST.v4, ANYCAST.v6]) {
    const route = await lab.exec('upstream', 'ip', ['route', 'get', address]);
    const pop = / dev to-(\S+)/.exec(route)?.[1];
    if (pop !== expected) throw new LabError(`upstream sends ${address} to ${pop}, not to ${expected}.`);
  }
};

/** What the router says, not what the workers do. */
const untilAnnounced = async ({ lab, bird }: Journey, first: string): Promise<number> => {
  const { pops } = lab.place;
  if (bird === undefined) return pops.length;
  const isSo = announcedBy(pops);
  await bird.until('all PoPs announce themselves', ANNOUNCED_MS, (paths) => isSo(paths) && leadTo(first)(paths));
  return pops.length;
};

/** All PoPs announce the anycast addresses, and upstream sends them to the first of them. */
export const anycastRouting: Step = {
  name: 'anycast-routing',
  title: 'every PoP announces the anycast addresses; upstream sends them to the first',
  essential: true,
  needsNamespaces: 'without routers there is no anycast: devices are told the PoPs in order',
  run: async (journey) => {
    const { lab } = journey;
    const [first = ''] = lab.place.pops;
    const start = performance.now();
    const announcing = await untilAnnounced(journey, first);
    const announced = Math.round(performance.now() - start);
    await requirePop(lab, first);
    return [
      { metric: 'announcing', value: announcing, unit: 'count', bar: { atLeast: lab.place.pops.length } },
      { metric: 'announced', value: announced, unit: 'ms', bar: { atMost: ANNOUNCED_MS } },
      ...(await ping(lab, 'client1', ANYCAST.v4, 'v4')),
      ...(await ping(lab, 'client2', ANYCAST.v6, 'v6')),
    ];
  },
};
