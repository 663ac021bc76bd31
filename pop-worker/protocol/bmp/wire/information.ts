import { writeU16 } from '#protocol/bgp/wire/bytes.ts';
import { encodeUtf8 } from '#protocol/bgp/wire/utf8.ts';

/** RFC 7854 §4.4, RFC 9069 §5.2.1. */
export const InformationType = { string: 0, sysDescr: 1, sysName: 2, tableName: 3 } as const;

/** A piece of information: type, and text or bytes. */
export type Information = readonly [type: number, value: Uint8Array | string];

const MOST_BYTES = 0xffff;

/** @returns the bytes of all, one behind the other; what is longer than can be said is cut */
export const informationBytes = (all: readonly Information[]): Uint8Array => {
  const values = all.map(([, value]) =>
    typeof value === 'string' ? encodeUtf8(value, MOST_BYTES) : value.subarray(0, MOST_BYTES),
  );
  const out = new Uint8Array(values.reduce((sum, { length }) => sum + 4 + length, 0));
  let at = 0;
  for (const [i, value] of values.entries()) {
    at = writeU16(out, writeU16(out, at, (all[i] as Information)[0]), value.length);
    out.set(value, at);
    at += value.length;
  }
  return out;
};
