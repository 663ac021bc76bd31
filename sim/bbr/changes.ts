/** Paths and applications that change. */
import { type Bar, type Measurement, summarise } from '#telemetry/measurement.ts';
import { Experiment } from '../experiment.ts';
import { atLeast, atMost, BBR, figure, first, mbitBetween, measure } from './figures.ts';
import { Scene } from './scene.ts';

const STEP_SECONDS = 20;

/**
 * How soon a step is noticed depends on when it comes between two probes, which a single byte a packet shifts by seconds:
 * steps are spread over the time between two probes of the round trip, the longest there is.
 */
const STEPS = [0, 1, 2, 3, 4].map((later) => STEP_SECONDS + later);

/** @param after seconds from a step at the given second @returns the median over all steps */
const afterSteps = (metric: string, after: (step: number) => number, bar: Bar): Measurement => {
  const { value } = summarise(STEPS.map((step) => figure(metric, after(step), 's')));
  return figure(metric, value, 's', bar);
};

/** The rate doubles. */
const followedUp = (seed: number, step: number): number => {
  const path = { mbit: 20, rttMs: 40, queueBdp: 2, steps: [{ atMs: step * 1000, mbit: 40 }] };
  const flow = first(measure(seed, path, [BBR], { seconds: step + 20, warmUpSeconds: step }));
  let after = 0;
  while (after < 20 && mbitBetween(flow, step + after, step + after + 1) < 0.9 * 40) after += 0.1;
  return after;
};

export const rateUp = (seed: number): Measurement[] => [
  afterSteps('followed_up', (step) => followedUp(seed, step), atMost(3)),
];

/** The rate halves: until the round trip, over a second, is near what it was. */
const queueGone = (seed: number, step: number): number => {
  const path = { mbit: 40, rttMs: 40, queueBdp: 4, steps: [{ atMs: step * 1000, mbit: 20 }] };
  const experiment = new Experiment({ path, flows: [BBR], seconds: step + 40, warmUpSeconds: step, seed });
  const [recorder] = experiment.recorders;
  const lasts = (after: number): boolean => {
    const before = recorder?.delays.length ?? 0;
    experiment.runUntil((step + after + 1) * 1000);
    const rttMs = (recorder?.delays.meanFrom(before) ?? 0) / 1000 + path.rttMs / 2;
    return rttMs > 1.25 * path.rttMs;
  };
  let after = 0;
  while (after < 30 && lasts(after)) after++;
  return after;
};

export const rateDown = (seed: number): Measurement[] => [
  afterSteps('queue_gone', (step) => queueGone(seed, step), atMost(10)),
];

const DETOUR_SECONDS = 15;

/** The way becomes five times as long: what fills it, ten seconds and a probe of the round trip later. */
export const longerWay = (seed: number): Measurement[] => {
  const detour = { atMs: STEP_SECONDS * 1000, ms: 80 };
  const path = { mbit: 20, rttMs: 20, queueBdp: 4, detour };
  const { utilisation } = measure(seed, path, [BBR], { seconds: 60, warmUpSeconds: STEP_SECONDS + DETOUR_SECONDS });
  return [figure('longer_way', utilisation, 'ratio', atLeast(0.95))];
};

/** A token bucket without a queue. */
export const policer = (seed: number): Measurement[] => {
  const path = { mbit: 100, rttMs: 40, queueBdp: 2, policer: { mbit: 10, burstBytes: 100_000 } };
  const flow = first(measure(seed, path, [BBR], { seconds: 65, warmUpSeconds: 10 }));
  return [figure('goodput', flow.mbit / 10, 'ratio', atLeast(0.95)), figure('loss', flow.loss, 'ratio')];
};

/** After idleness packets are paced: the queue stays short. */
export const idleRestart = (): Measurement[] => {
  const path = { mbit: 20, rttMs: 40, queueBdp: 8 };
  const scene = new Scene(path).untilState('probe-bw-cruise').pass(1000);
  scene.flow.setApplication({ bytes: 0 });
  scene.pass(3000);
  const [recorder] = scene.experiment.recorders;
  const before = recorder?.delays.length ?? 0;
  scene.flow.setApplication({ bytes: Number.POSITIVE_INFINITY });
  scene.pass(120);
  const worst = (recorder?.delays.maxFrom(before) ?? 0) / 1000 - path.rttMs / 2;
  return [figure('idle_restart_queue', worst, 'ms', atMost(10))];
};

/** An application that says little teaches nothing wrong about the path. */
export const applicationLimited = (): Measurement[] => {
  const scene = new Scene({ mbit: 20, rttMs: 40, queueBdp: 2 }).untilState('probe-bw-cruise').pass(1000);
  const before = scene.model.maxBandwidth.value;
  scene.flow.setApplication({ bytes: 0, bytesPerSecond: 250_000 });
  scene.pass(15_000);
  return [figure('estimate_kept', scene.model.maxBandwidth.value / before, 'ratio', atLeast(0.98))];
};
