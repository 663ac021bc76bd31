/** Bytes of a key that is found nowhere else: of it nothing is kept. @param into is filled with it */
export const makeUpKey = (seed: number, into: Uint8Array): Uint8Array => {
  for (let i = 0; i < into.length; i++) into[i] = Math.imul(seed * 64 + i + 1, 0x9e3779b1) >>> 24;
  return into;
};
