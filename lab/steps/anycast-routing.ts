import { LabError } from '../errors.ts';
import type { Step } from '../journey.ts';
import type { Lab } from '../lab.ts';
import { ping } from '../ping.ts';
import { ANYCAST, anycastRoutes } from '../topology.ts';

const chosenPop = async (lab: Lab, address: string): Promise<string | undefined> => {
  const route = await lab.exec('upstream', 'ip', ['route', 'get', address]);
  return / dev to-(\S+)/.exec(route)?.[1];
};

const requirePop = async (lab: Lab, expected: string): Promise<void> => {
  for (const address of [ANYCAST.v4, ANYCAST.v6]) {
    const pop = await chosenPop(lab, address);
    if (pop !== expected) throw new LabError(`upstream sends ${address} to ${pop}, not to ${expected}.`);
  }
};

const whileWithdrawn = async <T>(lab: Lab, pop: string, work: () => Promise<T>): Promise<T> => {
  await lab.configure('upstream', anycastRoutes(lab.topology!, pop, 'delete'));
  try {
    return await work();
  } finally {
    await lab.configure('upstream', anycastRoutes(lab.topology!, pop, 'replace'));
  }
};

/** upstream sends the anycast address to the first PoP that lives, and to the next when its routes are withdrawn. */
export const anycastRouting: Step = {
  name: 'anycast-routing',
  title: 'the anycast address leads to the first live PoP',
  needsNamespaces: 'without routers there is no anycast: devices are told the PoPs in order',
  run: async ({ lab }) => {
    const [first, second] = lab.topology!.pops;
    await requirePop(lab, first!);
    const reached = await ping(lab, 'client1', ANYCAST.v4, 'v4');
    reached.push(...(await ping(lab, 'client2', ANYCAST.v6, 'v6')));
    if (second === undefined) return reached;
    const afterLoss = await whileWithdrawn(lab, first!, async () => {
      await requirePop(lab, second);
      return ping(lab, 'client1', ANYCAST.v4, 'v4_next_pop');
    });
    return [...reached, ...afterLoss];
  },
};
