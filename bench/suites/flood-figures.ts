import type { FloodResult } from '../quic-flood/order.ts';
import type { Newcomers, Phase } from '../quic-flood/traffic.ts';

/** What a run of `quic-flood` printed, and what its server was seen to do. */
export type FloodTold = {
  readonly quiet: Phase;
  readonly flooded: Phase;
  readonly newcomers: Newcomers;
  readonly flood: FloodResult;
  /** By how much the server's resident memory grew at most, in bytes. */
  readonly residentBytes: number;
  /** What the server counted, if it says so. */
  readonly counters: Readonly<Record<string, number>> | undefined;
};

export type FloodFigures = Readonly<Record<string, { readonly value: number; readonly unit: string }>>;

/** @throws Error when there was nothing to compare with */
export const floodFigures = ({ quiet, flooded, newcomers, flood, residentBytes }: FloodTold): FloodFigures => {
  if (!(quiet.gbps > 0)) throw new Error('Nothing arrived before the flood.');
  return {
    share_kept: { value: (100 * flooded.gbps) / quiet.gbps, unit: '%' },
    goodput_quiet: { value: quiet.gbps, unit: 'Gbit/s' },
    worst_gap: { value: flooded.worstGapMs, unit: 'ms' },
    worst_gap_quiet: { value: quiet.worstGapMs, unit: 'ms' },
    newcomers_made: { value: newcomers.made, unit: 'count' },
    newcomers_failed: { value: newcomers.failed, unit: 'count' },
    newcomer_handshake: { value: newcomers.medianMs, unit: 'ms' },
    flood: { value: flood.sent / flood.seconds, unit: '1/s' },
    answers: { value: flood.answers / flood.seconds, unit: '1/s' },
    resident_growth: { value: residentBytes / 2 ** 20, unit: 'MiB' },
  };
};
