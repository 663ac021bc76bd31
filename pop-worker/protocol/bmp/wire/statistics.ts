import { writeU16, writeU32 } from '#protocol/bgp/wire/bytes.ts';
import { writeFamily } from '#protocol/bgp/wire/families.ts';
import { type BmpSubject, type BmpTime, BmpType, HEADS_BYTES, writeHeader, writePeerHeader } from './header.ts';

/** RFC 7854 §4.8, RFC 8671 §6.2. */
export const StatisticType = {
  adjRibsIn: 7,
  locRib: 8,
  adjRibIn: 9,
  locRibOf: 10,
  treatedAsWithdraw: 11,
  adjRibOut: 15,
  adjRibOutOf: 17,
} as const;

/** A counter of four bytes, a gauge of eight, or one of a family. */
export type Statistic =
  | { readonly type: number; readonly counter: number }
  | { readonly type: number; readonly family?: number | undefined; readonly gauge: number };

const bytesOf = (one: Statistic): number => ('counter' in one ? 4 : one.family === undefined ? 8 : 11);

/** A Statistics Report. @param statistics at least one */
export const statisticsReport = (subject: BmpSubject, time: BmpTime, statistics: readonly Statistic[]): Uint8Array => {
  const out = new Uint8Array(HEADS_BYTES + 4 + statistics.reduce((sum, one) => sum + 4 + bytesOf(one), 0));
  let at = writePeerHeader(out, writeHeader(out, 0, BmpType.statisticsReport, out.length), subject, 0, time);
  at = writeU32(out, at, statistics.length);
  for (const one of statistics) {
    at = writeU16(out, writeU16(out, at, one.type), bytesOf(one));
    if ('counter' in one) at = writeU32(out, at, one.counter % 2 ** 32);
    else {
      if (one.family !== undefined) at = writeFamily(out, at, one.family);
      at = writeU32(out, writeU32(out, at, Math.floor(one.gauge / 2 ** 32)), one.gauge % 2 ** 32);
    }
  }
  return out;
};
