/** Frames as a hostile peer writes them: any type, any value, any length. */

export const MOST = 2n ** 62n - 1n;

/** Integers at which encodings, counters and limits break (RFC 9000 §16, §4.6; doubles end at 2^53). */
export const EDGES: readonly bigint[] = [
  0n,
  1n,
  63n,
  64n,
  2n ** 14n - 1n,
  2n ** 14n,
  2n ** 30n - 1n,
  2n ** 30n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 60n,
  2n ** 60n + 1n,
  MOST,
];

const LENGTHS = [1, 2, 4, 8] as const;

/** A variable-length integer. @param least bytes that it takes at least: more than necessary is legal but for types */
export const varint = (value: bigint | number, least = 1): number[] => {
  const n = BigInt(value);
  const exponent = LENGTHS.findIndex((bytes) => bytes >= least && n < 1n << BigInt(8 * bytes - 2));
  const length = LENGTHS[exponent];
  if (n < 0n || length === undefined) throw new RangeError(`${value} is no variable-length integer`);
  const out = Array.from({ length }, (_, i) => Number((n >> BigInt(8 * (length - 1 - i))) & 0xffn));
  out[0] = (out[0] as number) | (exponent << 6);
  return out;
};

/** A field: an integer, or bytes as they are. */
export type Field = bigint | number | Uint8Array | readonly number[];

/** A frame, or any bytes: integers by the shortest encoding. */
export const frame = (...fields: readonly Field[]): Uint8Array =>
  Uint8Array.from(
    fields.flatMap((field) => (typeof field === 'number' || typeof field === 'bigint' ? varint(field) : [...field])),
  );

/** Bytes behind their length. */
export const prefixed = (bytes: Uint8Array | readonly number[]): number[] => [...varint(bytes.length), ...bytes];

export const join = (...frames: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(frames.flatMap((each) => [...each]));
