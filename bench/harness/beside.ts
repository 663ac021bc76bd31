import type { Bar, Measurement } from '#telemetry/measurement.ts';

/** One figure of ours and the same one of peers by name, all measured in one run. */
export type Beside = {
  readonly metric: string;
  readonly unit: string;
  readonly ours?: number;
  readonly peers: Readonly<Record<string, number>>;
  /** What ours divided by each peer's must meet. */
  readonly bar?: Bar;
};

const DIGITS = 5;

const rounded = (value: number): number => Number(value.toPrecision(DIGITS));

/** The lines of a figure: ours, each peer's, and `<metric>_ratio` of ours to each peer. */
export const sideBySide = ({ metric, unit, ours, peers, bar }: Beside): Measurement[] => {
  const lines: Measurement[] = ours === undefined ? [] : [{ metric, value: rounded(ours), unit }];
  for (const [peer, value] of Object.entries(peers)) lines.push({ metric, value: rounded(value), unit, peer });
  if (ours === undefined) return lines;
  for (const [peer, value] of Object.entries(peers)) {
    const ratio = { metric: `${metric}_ratio`, value: rounded(ours / value), unit: 'ratio', peer };
    lines.push(bar === undefined ? ratio : { ...ratio, bar });
  }
  return lines;
};
