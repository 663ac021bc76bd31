import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import type { Bar, Measurement } from '#telemetry/measurement.ts';
import type { CaseContext } from '../suite.ts';

/** One figure of ours and the same one of peers by name, all measured in one run. */
export type Beside = {
  readonly metric: string;
  readonly unit: string;
  readonly ours?: number;
  readonly peers: Readonly<Record<string, number>>;
  /** What ours divided by each peer's must meet; absent: figures only. */
  readonly bar?: Bar;
  /** The same by peer, where it is not one for all; peers without one get a ratio that is held against nothing. */
  readonly bars?: Readonly<Record<string, Bar>>;
};

const DIGITS = 5;

const rounded = (value: number): number => Number(value.toPrecision(DIGITS));

/** The lines of a figure: ours, each peer's, and `<metric>_ratio` of ours to each peer. */
export const sideBySide = ({ metric, unit, ours, peers, bar, bars }: Beside): Measurement[] => {
  const lines: Measurement[] = ours === undefined ? [] : [{ metric, value: rounded(ours), unit }];
  for (const [peer, value] of Object.entries(peers)) lines.push({ metric, value: rounded(value), unit, peer });
  if (ours === undefined || (bar ?? bars) === undefined) return lines;
  for (const [peer, value] of Object.entries(peers)) {
    if (!(value > 0)) throw new RangeError(`${peer}'s ${metric} is ${value}: nothing to compare with.`);

    const its = bars?.[peer] ?? bar;
    const line = { metric: `${metric}_ratio`, value: rounded(ours / value), unit: 'ratio', peer };
    lines.push(its === undefined ? line : { ...line, bar: its });
  }
  return lines;
};

/** The figures of every peer that can be had, by name; none unless the user wants peers. A missing one is skipped. */
export const measurePeers = async <Peer extends { readonly peer?: string }, Figures>(
  implementations: readonly Peer[],
  context: CaseContext,
  measure: (implementation: Peer) => Promise<Figures>,
): Promise<Record<string, Figures>> => {
  const figures: Record<string, Figures> = {};
  for (const implementation of context.peers ? implementations : []) {
    const { peer = '' } = implementation;
    try {
      figures[peer] = await measure(implementation);
    } catch (error) {
      if (!(error instanceof PeerMissing)) throw error;
      context.skipPeer(peer, error.message);
    }
  }
  return figures;
};
