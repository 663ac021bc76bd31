/** Whether 16 bytes are the same, in a time that does not tell where they differ. */
export const sameMac = (a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean => {
  let difference = 0;
  for (let i = 0; i < 16; i++) difference |= (a[aAt + i] as number) ^ (b[bAt + i] as number);
  return difference === 0;
};
