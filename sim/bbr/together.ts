/** Flows that share a bottleneck. */
import type { Measurement } from '#telemetry/measurement.ts';
import type { FlowSpec, Outcome } from '../experiment.ts';
import { jain } from '../series.ts';
import { atLeast, atMost, BBR, CUBIC, figure, mbitBetween, measure, propagationMs, times } from './figures.ts';

const fairness = ({ flows }: Outcome): number => jain(flows.map(({ mbit }) => mbit));

/** Four flows with a queue of one BDP. */
export const fourFlows = (seed: number): Measurement[] => {
  const path = { mbit: 50, rttMs: 40, queueBdp: 1 };
  const outcome = measure(seed, path, times(4, BBR), { seconds: 120, warmUpSeconds: 20 });
  const theirs = fairness(measure(seed, path, times(4, CUBIC), { seconds: 120, warmUpSeconds: 20 }));
  const sum = outcome.flows.reduce((all, { mbit }) => all + mbit, 0) / path.mbit;
  return [
    figure('jain', fairness(outcome), 'ratio', atLeast(0.95)),
    figure('jain', theirs, 'ratio', undefined, 'cubic'),
    figure('sum', sum, 'ratio', atLeast(0.96)),
  ];
};

const STAGGER_MS = 3000;

/** Four flows with a queue that is never full: how long is it? */
export const fourFlowsDeep = (seed: number): Measurement[] => {
  const path = { mbit: 20, rttMs: 40, queueBdp: 16 };
  // Each meets the queue of those before it, and takes it for the way until they probe the round trip together.
  const flows = times(4, BBR).map((flow, i) => ({ ...flow, startMs: i * STAGGER_MS }));
  const staggered = measure(seed, path, flows, { seconds: 120, warmUpSeconds: 20 });
  const outcome = measure(seed, path, times(4, BBR), { seconds: 120, warmUpSeconds: 20 });
  return [
    figure('jain', fairness(outcome), 'ratio', atLeast(0.97)),
    figure('queue', outcome.queueMs / propagationMs(path), 'ratio', atMost(1.7)),
    figure('queue_staggered', staggered.queueMs / propagationMs(path), 'ratio'),
  ];
};

const LATE_START = 20;
const PATIENCE = 60;
/** A share counts as fair from here on, held for so many seconds. */
const FAIR = 0.8;
const HELD_SECONDS = 5;

/** Seconds until a flow that came late has its fair share; `PATIENCE` when it never does. */
const secondsToShare = (outcome: Outcome, fairMbit: number): number => {
  const late = outcome.flows.at(-1);
  if (late === undefined) return PATIENCE;
  for (let after = 0; after + HELD_SECONDS <= PATIENCE; after += 0.5) {
    const from = LATE_START + after;
    if (mbitBetween(late, from, from + HELD_SECONDS) >= FAIR * fairMbit) return after;
  }
  return PATIENCE;
};

/** A flow comes late to another one. */
export const lateFlow = (seed: number): Measurement[] => {
  const path = { mbit: 20, rttMs: 40, queueBdp: 2 };
  const flows = [BBR, { ...BBR, startMs: LATE_START * 1000 }];
  const outcome = measure(seed, path, flows, { seconds: LATE_START + PATIENCE + 1, warmUpSeconds: LATE_START });
  return [figure('convergence', secondsToShare(outcome, path.mbit / 2), 's', atMost(35))];
};

/** One flow beside one of CUBIC, with queues of 1 to 8 BDP. */
export const besideCubic = (seed: number): Measurement[] =>
  [1, 2, 4, 8].flatMap((queueBdp) => {
    const path = { mbit: 20, rttMs: 40, queueBdp };
    const [bbr, cubic] = measure(seed, path, [BBR, CUBIC], { seconds: 140, warmUpSeconds: 20 }).flows;
    const share = (bbr?.mbit ?? 0) / ((bbr?.mbit ?? 0) + (cubic?.mbit ?? 0));
    const metric = `share_${queueBdp}bdp`;
    if (queueBdp > 2) return [figure(metric, share, 'ratio')];
    return [figure(`${metric}_least`, share, 'ratio', atLeast(0.4)), figure(metric, share, 'ratio', atMost(0.62))];
  });

/** The smaller share of two flows whose round trips differ five times. @param queueBdp in BDP of the shorter one */
const smallerShare = (seed: number, queueBdp: number, flow: FlowSpec): number => {
  const path = { mbit: 20, rttMs: 20, queueBdp };
  const { flows } = measure(seed, path, [flow, { ...flow, rttMs: 100 }], { seconds: 100, warmUpSeconds: 20 });
  const rates = flows.map(({ mbit }) => mbit);
  return Math.min(...rates) / rates.reduce((a, b) => a + b, 0);
};

/** Round trips of 20 and 100 ms: the smaller share is to be a quarter or more, or no smaller than CUBIC's. */
export const unlikeRoundTrips = (seed: number): Measurement[] =>
  [1, 2.5, 5, 10].flatMap((queueBdp) => {
    const metric = `smaller_share_${queueBdp}bdp`;
    const theirs = smallerShare(seed, queueBdp, CUBIC);
    const ours = smallerShare(seed, queueBdp, BBR);
    return [
      figure(metric, ours, 'ratio'),
      figure(metric, theirs, 'ratio', undefined, 'cubic'),
      figure(`${metric}_ratio`, ours / Math.min(0.25, theirs), 'ratio', atLeast(1), 'cubic'),
    ];
  });
