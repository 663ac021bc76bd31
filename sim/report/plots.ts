import { BBR, CUBIC, first, measure, times } from '../bbr/figures.ts';
import type { FlowOutcome, FlowSpec, PathSpec } from '../experiment.ts';
import { BIN_US } from '../recorder.ts';
import type { Plot } from './plot.ts';

const SEED = 1;
const BIN_SECONDS = BIN_US / 1e6;

const run = (path: PathSpec, flows: readonly FlowSpec[], seconds: number) =>
  measure(SEED, path, flows, { seconds, warmUpSeconds: 0 });

const roundTrips = (path: PathSpec, { recorder }: FlowOutcome): number[] =>
  recorder.worst.map((us) => (us === 0 ? 0 : us / 1000 + path.rttMs / 2));

/** Mbit/s, each bin with its neighbours. */
const rates = ({ recorder: { bins } }: FlowOutcome, span = 10): number[] =>
  bins.map((_, i) => {
    const part = bins.slice(Math.max(0, i - span + 1), i + 1);
    return (part.reduce((sum, bytes) => sum + bytes, 0) * 8) / (part.length * BIN_US);
  });

const beside = (title: string, path: PathSpec): Plot => ({
  title,
  measure: 'longest round trip in 100 ms, in ms',
  stepSeconds: BIN_SECONDS,
  lines: [
    { label: 'CUBIC', values: roundTrips(path, first(run(path, [CUBIC], 30))) },
    { label: 'BBRv3', values: roundTrips(path, first(run(path, [BBR], 30))) },
  ],
});

const shares = (
  title: string,
  path: PathSpec,
  flows: readonly (FlowSpec & { label: string })[],
  seconds: number,
): Plot => ({
  title,
  measure: 'Mbit/s, mean of a second',
  stepSeconds: BIN_SECONDS,
  lines: run(path, flows, seconds).flows.map((flow, i) => ({ label: flows[i]?.label ?? '', values: rates(flow) })),
});

/** The plots of docs/congestion.md by their file names; each with seed 1. */
export const PLOTS: Readonly<Record<string, () => Plot>> = {
  queue: () => beside('20 Mbit/s, 40 ms, 2 BDP', { mbit: 20, rttMs: 40, queueBdp: 2 }),
  bufferbloat: () => beside('10 Mbit/s, 40 ms, 16 BDP', { mbit: 10, rttMs: 40, queueBdp: 16 }),
  four: () =>
    shares(
      'Four flows, 50 Mbit/s, 40 ms, 1 BDP',
      { mbit: 50, rttMs: 40, queueBdp: 1 },
      times(4, BBR).map((flow, i) => ({ ...flow, label: `BBRv3 ${i + 1}` })),
      60,
    ),
  late: () =>
    shares(
      'A late flow, 20 Mbit/s, 40 ms, 2 BDP',
      { mbit: 20, rttMs: 40, queueBdp: 2 },
      [
        { ...BBR, label: 'first' },
        { ...BBR, startMs: 20_000, label: 'late' },
      ],
      80,
    ),
  'beside-cubic': () =>
    shares(
      'Beside CUBIC, 20 Mbit/s, 40 ms, 1 BDP',
      { mbit: 20, rttMs: 40, queueBdp: 1 },
      [
        { ...BBR, label: 'BBRv3' },
        { ...CUBIC, label: 'CUBIC' },
      ],
      80,
    ),
  'rate-change': () =>
    shares(
      '20, then 40, then 10 Mbit/s, 40 ms',
      {
        mbit: 20,
        rttMs: 40,
        queueBdp: 2,
        steps: [
          { atMs: 15_000, mbit: 40 },
          { atMs: 30_000, mbit: 10 },
        ],
      },
      [{ ...BBR, label: 'BBRv3' }],
      45,
    ),
};
