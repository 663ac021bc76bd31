import type { Random } from '../contract.ts';

const word = new Uint8Array(2);

/**
 * A port of a block for an inner one. First the one that the inner port asks for, which any worker would choose; where that
 * is taken any other, nobody can guess which (RFC 7857 §9), of the same parity while there is one (RFC 4787 REQ-4).
 *
 * @param size a power of two @param isFree there is at least one
 */
export const choosePort = (
  base: number,
  size: number,
  inner: number,
  random: Random,
  isFree: (port: number) => boolean,
): number => {
  const wanted = base + (inner & (size - 1));
  if (isFree(wanted)) return wanted;
  random.fill(word);
  const start = ((word[0] as number) << 8) | (word[1] as number);
  for (const parity of [inner & 1, ~inner & 1]) {
    for (let i = 0; i < size; i += 2) {
      const port = base + (((start + i) & (size - 2)) | parity);
      if (isFree(port)) return port;
    }
  }
  throw new RangeError('no port of the block is free');
};
