/** Queues that say what they have to say with ECN-CE (RFC 3168), not by dropping. */
import type { Measurement } from '#telemetry/measurement.ts';
import type { FlowSpec, PathSpec } from '../experiment.ts';
import { atLeast, atMost, BBR, CUBIC, figure, first, measure, p99Ms } from './figures.ts';

const BASE = { mbit: 20, rttMs: 40, queueBdp: 4 };
/** CoDel, and a queue that marks whatever comes while more than half a BDP waits. */
const CODEL: PathSpec = { ...BASE, codel: 'marks' };
const STEP: PathSpec = { ...BASE, markAboveBdp: 0.5 };
const TIMING = { seconds: 65, warmUpSeconds: 5 };

const alone = (seed: number, name: string, path: PathSpec, utilisation: number): Measurement[] => {
  const figuresOf = (flow: FlowSpec, bar?: number, peer?: string): Measurement[] => {
    const outcome = measure(seed, path, [flow], TIMING);
    const { sentPackets } = first(outcome).recorder;
    return [
      figure(`utilisation_${name}`, outcome.utilisation, 'ratio', bar === undefined ? undefined : atLeast(bar), peer),
      figure(`queue_${name}`, outcome.queueMs, 'ms', undefined, peer),
      figure(`delay_p99_${name}`, p99Ms(first(outcome)), 'ms', undefined, peer),
      figure(`marks_${name}`, outcome.marks / sentPackets, 'ratio', undefined, peer),
    ];
  };
  return [...figuresOf(BBR, utilisation), ...figuresOf(CUBIC, undefined, 'cubic')];
};

/** Of two flows: our share beside CUBIC, and the queue that two of ours leave. */
const together = (seed: number, name: string, path: PathSpec, mostQueueMs: number): Measurement[] => {
  const [bbr, cubic] = measure(seed, path, [BBR, CUBIC], TIMING).flows;
  const share = (bbr?.mbit ?? 0) / ((bbr?.mbit ?? 0) + (cubic?.mbit ?? 0));
  const bars = name === 'step' ? [atLeast(0.4), atMost(0.62)] : [];
  const two = measure(seed, path, [BBR, BBR], TIMING);
  return [
    figure(`share_${name}_least`, share, 'ratio', bars[0]),
    figure(`share_${name}`, share, 'ratio', bars[1]),
    figure(`utilisation_two_${name}`, two.utilisation, 'ratio', atLeast(0.93)),
    figure(`queue_two_${name}`, two.queueMs, 'ms', atMost(mostQueueMs)),
  ];
};

/** Marks count as losses do (draft-ietf-ccwg-bbr-06 §3.7): one flow, two flows, and beside CUBIC. */
export const marked = (seed: number): Measurement[] => [
  ...alone(seed, 'step', STEP, 0.96),
  ...alone(seed, 'codel', CODEL, 0.9),
  ...together(seed, 'step', STEP, 20),
  ...together(seed, 'codel', CODEL, 20),
];
