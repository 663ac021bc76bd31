/** Integers in network order, in place. Callers have checked that they are there, and that there is room. */

export const u16At = (buffer: Uint8Array, at: number): number =>
  ((buffer[at] as number) << 8) | (buffer[at + 1] as number);

export const u32At = (buffer: Uint8Array, at: number): number =>
  (((buffer[at] as number) << 24) |
    ((buffer[at + 1] as number) << 16) |
    ((buffer[at + 2] as number) << 8) |
    (buffer[at + 3] as number)) >>>
  0;

/** @returns the offset behind it */
export const writeU16 = (buffer: Uint8Array, at: number, value: number): number => {
  buffer[at] = value >>> 8;
  buffer[at + 1] = value;
  return at + 2;
};

/** @returns the offset behind it */
export const writeU32 = (buffer: Uint8Array, at: number, value: number): number => {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
  return at + 4;
};

/** Copies a few bytes, for which `set` on a subarray would cost more. @returns the offset behind them */
export const copyBytes = (from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): number => {
  let next = at;
  for (let i = start; i < end; i++) to[next++] = from[i] as number;
  return next;
};
