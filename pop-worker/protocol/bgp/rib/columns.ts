/** Columns are as long as the tables whose ids they are indexed by: these copy one into a longer one. */

/** @param fill of what is new */
export const longerInt32 = (from: Int32Array, length: number, fill: number): Int32Array<ArrayBuffer> => {
  const to = new Int32Array(length);
  to.set(from);
  if (fill !== 0) to.fill(fill, from.length);
  return to;
};

export const longerUint32 = (from: Uint32Array, length: number): Uint32Array<ArrayBuffer> => {
  const to = new Uint32Array(length);
  to.set(from);
  return to;
};

export const longerUint16 = (from: Uint16Array, length: number): Uint16Array<ArrayBuffer> => {
  const to = new Uint16Array(length);
  to.set(from);
  return to;
};

export const longerUint8 = (from: Uint8Array, length: number): Uint8Array<ArrayBuffer> => {
  const to = new Uint8Array(length);
  to.set(from);
  return to;
};
