/** One flow alone on a path: bandwidth, queue, jitter and loss beside CUBIC in the same run. */
import type { Measurement } from '#telemetry/measurement.ts';
import type { FlowOutcome, FlowSpec, PathSpec } from '../experiment.ts';
import { BIN_US } from '../recorder.ts';
import { atLeast, atMost, BBR, CUBIC, figure, first, measure, p99Ms, queueFactor } from './figures.ts';

const MINUTE = { seconds: 65, warmUpSeconds: 5 };

interface QueueBars {
  readonly utilisation: number;
  readonly factor: number;
  /** CUBIC's F divided by ours. */
  readonly ratio: number;
}

/** Seconds from the start until nine tenths of the bandwidth arrive in a tenth of a second. */
const secondsToFill = ({ mbit }: PathSpec, { recorder }: FlowOutcome): number => {
  const full = (0.9 * mbit * BIN_US) / 8;
  const bin = recorder.bins.findIndex((bytes) => bytes >= full);
  return bin < 0 ? MINUTE.seconds : (bin * BIN_US) / 1e6;
};

/** What a deep queue does to each: F and its ratio, delays and their variation. */
export const deepQueue = (seed: number, path: PathSpec, bars: QueueBars, strict: boolean): Measurement[] => {
  const [ours, theirs] = [measure(seed, path, [BBR], MINUTE), measure(seed, path, [CUBIC], MINUTE)];
  const [bbr, cubic] = [first(ours), first(theirs)];
  const [factor, other] = [queueFactor(path, bbr), queueFactor(path, cubic)];
  const variation = bbr.recorder.variations.mean / cubic.recorder.variations.mean;
  return [
    figure('filled', secondsToFill(path, bbr), 's', strict ? atMost(0.6) : undefined),
    figure('utilisation', ours.utilisation, 'ratio', atLeast(bars.utilisation)),
    figure('utilisation', theirs.utilisation, 'ratio', undefined, 'cubic'),
    figure('queue_factor', factor, 'ratio', atMost(bars.factor)),
    figure('queue_factor', other, 'ratio', undefined, 'cubic'),
    figure('queue_factor_ratio', other / factor, 'ratio', atLeast(bars.ratio), 'cubic'),
    figure('loss', bbr.loss, 'ratio', strict ? atMost(0) : undefined),
    figure('loss', cubic.loss, 'ratio', undefined, 'cubic'),
    figure('delay_p99', p99Ms(bbr), 'ms'),
    figure('delay_p99', p99Ms(cubic), 'ms', undefined, 'cubic'),
    figure('delay_p99_ratio', p99Ms(bbr) / p99Ms(cubic), 'ratio', strict ? atMost(0.85) : undefined, 'cubic'),
    figure('ipdv', bbr.recorder.variations.mean, 'us'),
    figure('ipdv', cubic.recorder.variations.mean, 'us', undefined, 'cubic'),
    figure('ipdv_ratio', variation, 'ratio', strict ? atMost(0.5) : undefined, 'cubic'),
    figure('jitter', bbr.recorder.jitters.mean, 'us'),
    figure('jitter', cubic.recorder.jitters.mean, 'us', undefined, 'cubic'),
  ];
};

const START_SECONDS = 3;

/** A queue of less than a BDP: bandwidth, and loss at the start and later. */
export const shallowQueue = (seed: number, queueBdp: number, utilisation: number): Measurement[] => {
  const path = { mbit: 50, rttMs: 40, queueBdp };
  const name = `${queueBdp}bdp`;
  const steady = measure(seed, path, [BBR], { seconds: 34, warmUpSeconds: START_SECONDS });
  // One second more: what leaves in the last one is not asked for.
  const start = measure(seed, path, [BBR], { seconds: START_SECONDS + 1, warmUpSeconds: 0 });
  return [
    figure(`utilisation_${name}`, steady.utilisation, 'ratio', atLeast(utilisation)),
    figure(`loss_${name}`, first(steady).loss, 'ratio', atMost(0.003)),
    figure(`loss_start_${name}`, first(start).loss, 'ratio', atMost(0.02)),
  ];
};

/** Loss that has nothing to do with congestion. */
export const randomLoss = (seed: number, loss: number, utilisation: number, overCubic?: number): Measurement[] => {
  const path = { mbit: 50, rttMs: 100, queueBdp: 1, loss };
  const name = `${loss * 100}pct`;
  const timing = { seconds: 65, warmUpSeconds: 5 };
  const ours = measure(seed, path, [BBR], timing).utilisation;
  const theirs = measure(seed, path, [CUBIC], timing).utilisation;
  const bar = overCubic === undefined ? undefined : atLeast(overCubic);
  return [
    figure(`utilisation_${name}`, ours, 'ratio', atLeast(utilisation)),
    figure(`utilisation_${name}`, theirs, 'ratio', undefined, 'cubic'),
    figure(`utilisation_ratio_${name}`, ours / theirs, 'ratio', bar, 'cubic'),
  ];
};

/** A queue that CoDel manages, and loss in bursts that has nothing to do with congestion. */
export const managedQueue = (seed: number): Measurement[] => {
  const path = { mbit: 20, rttMs: 40, queueBdp: 4, codel: 'drops' } as const;
  const [ours, theirs] = [measure(seed, path, [BBR], MINUTE), measure(seed, path, [CUBIC], MINUTE)];
  const bursts = { mbit: 20, rttMs: 40, queueBdp: 1, burstLoss: { good: 2000, bad: 5 } };
  const through = (flow: FlowSpec) => measure(seed, bursts, [flow], MINUTE).utilisation;
  const [bbr, cubic] = [through(BBR), through(CUBIC)];
  return [
    figure('utilisation_codel', ours.utilisation, 'ratio', atLeast(0.9)),
    figure('utilisation_codel', theirs.utilisation, 'ratio', undefined, 'cubic'),
    figure('delay_p99_codel', p99Ms(first(ours)), 'ms'),
    figure('delay_p99_codel', p99Ms(first(theirs)), 'ms', undefined, 'cubic'),
    figure('loss_codel', first(ours).loss, 'ratio'),
    figure('loss_codel', first(theirs).loss, 'ratio', undefined, 'cubic'),
    figure('utilisation_bursts', bbr, 'ratio'),
    figure('utilisation_bursts', cubic, 'ratio', undefined, 'cubic'),
    figure('utilisation_bursts_ratio', bbr / cubic, 'ratio', atLeast(1), 'cubic'),
  ];
};

/** Paths that disturb the clock: ACKs in slots, jitter (that of a host's timers too: its largest rates are believed), reordering. */
export const disturbed = (seed: number): Measurement[] => {
  const base = { mbit: 20, rttMs: 40, queueBdp: 2 };
  const run = (path: PathSpec, flow = BBR) => measure(seed, path, [flow], MINUTE).utilisation;
  const reordering = { ...base, reorder: { share: 0.05, ms: 20 } };
  const [ours, theirs] = [run(reordering), run(reordering, CUBIC)];
  const noisy = { ...base, jitterMs: 1 };
  const noise = queueFactor(noisy, first(measure(seed, noisy, [BBR], MINUTE)));
  return [
    figure('utilisation_ack_slots', run({ ...base, ackSlotMs: 15 }), 'ratio', atLeast(0.95)),
    figure('utilisation_ack_slots_long', run({ ...base, ackSlotMs: 75 }), 'ratio', atLeast(0.95)),
    figure(
      'utilisation_compression',
      run({ ...base, ackCompression: { share: 0.01, ms: 40 } }),
      'ratio',
      atLeast(0.95),
    ),
    figure('utilisation_jitter', run({ ...base, jitterMs: 10 }), 'ratio', atLeast(0.95)),
    figure('queue_factor_jitter_1ms', noise, 'ratio'),
    figure('utilisation_reordering', ours, 'ratio'),
    figure('utilisation_reordering', theirs, 'ratio', undefined, 'cubic'),
    figure('utilisation_reordering_ratio', ours / theirs, 'ratio', atLeast(1), 'cubic'),
  ];
};
