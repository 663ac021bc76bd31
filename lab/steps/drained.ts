import { setTimeout as sleep } from 'node:timers/promises';
import type { Measurement } from '#telemetry/measurement.ts';
import { announcedBy, type Bird, type BirdPath, leadTo } from '../bird.ts';
import { LabError } from '../errors.ts';
import type { Journey, Step } from '../journey.ts';

const MOVED_MS = 2000;
const DEVICES_MS = 15_000;
const DRAINED_MS = 70_000;

/** Does something to a PoP. @returns how long it took until the router's paths were so */
const moves = async (
  bird: Bird,
  metric: string,
  what: () => Promise<void>,
  holds: (paths: readonly BirdPath[]) => boolean,
): Promise<Measurement> => {
  const start = performance.now();
  await what();
  await bird.until(metric, MOVED_MS, holds);
  return { metric, value: Math.round(performance.now() - start), unit: 'ms', bar: { atMost: MOVED_MS } };
};

const devicesCome = async ({ edge }: Journey, pop: string, count: number): Promise<void> => {
  for (const start = performance.now(); (await edge.reach.devicesAt(pop)) < count; await sleep(20)) {
    if (performance.now() - start > DEVICES_MS) throw new LabError(`Of ${count} devices not all came to ${pop}.`);
  }
};

/**
 * Of the two PoPs that are left, the one with the devices is withdrawn: they stay, by way of the other one. It comes back little by
 * little, and they go once it is drained.
 */
export const drained: Step = {
  name: 'drained',
  title: 'a PoP is withdrawn and keeps its devices, comes back, and is drained: they go to the other one',
  leastPops: 3,
  needsNamespaces: 'without routers there is nobody to be told that a PoP leaves',
  needsBgp: true,
  run: async (journey) => {
    const { edge, lab } = journey;
    const bird = journey.bird!;
    const here = edge.reach.popOf('laptop');
    const next = lab.place.pops.find((pop) => pop !== here && edge.workers.get(pop)?.running === true);
    if (next === undefined) throw new LabError(`There is no PoP but ${here}.`);
    // A worker whose devices went away unseen still counts them.
    const count = [...edge.connections.values()].filter(({ running }) => running).length;
    const withdrawn = await moves(bird, 'withdrawn', () => edge.order(here, 'withdraw'), announcedBy([next]));
    // They stay where they are: what they send is handed on.
    const handedOn = await edge.reach.toInternet('laptop', 'v4', 'handed_on');
    const stayed = await edge.reach.devicesAt(here);
    const isBack = announcedBy([here, next]);
    const back = await moves(
      bird,
      'back',
      () => edge.order(here, 'undrain'),
      (paths) => isBack(paths) && leadTo(next)(paths),
    );
    const led = await moves(bird, 'led_away', () => edge.order(here, 'drain'), leadTo(next));
    await devicesCome(journey, next, count);
    const start = performance.now();
    await bird.until(`${here} is drained`, DRAINED_MS, announcedBy([next]));
    const ended = Math.round(performance.now() - start);
    await edge.order(here, 'undrain');
    return [
      ...[withdrawn, back, led],
      ...handedOn,
      { metric: 'devices_stayed', value: stayed, unit: 'count', bar: { atLeast: count } },
      { metric: 'drained', value: ended, unit: 'ms' },
      { metric: 'devices_moved', value: count, unit: 'count', bar: { atLeast: 1 } },
      ...(await edge.reach.toInternet('laptop', 'v4', 'laptop')),
    ];
  },
};
