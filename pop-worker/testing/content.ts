import { createHash } from 'node:crypto';

const BLOCK_BYTES = 1 << 16;

/** Bytes that tell by themselves whose they are: 64 KiB from a seed, repeated with the block's number in front. */
export const contentBlocks = function* (seed: number, bytes: number): Generator<Buffer> {
  const block = Buffer.alloc(BLOCK_BYTES);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < BLOCK_BYTES; i += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    block.writeUInt32LE(state, i);
  }
  for (let number = 0, left = bytes; left > 0; number++, left -= BLOCK_BYTES) {
    const one = Buffer.from(block.subarray(0, Math.min(left, BLOCK_BYTES)));
    if (one.length >= 4) one.writeUInt32LE(number, 0);
    yield one;
  }
};

export const contentDigest = (seed: number, bytes: number): string => {
  const hash = createHash('sha256');
  for (const block of contentBlocks(seed, bytes)) hash.update(block);
  return hash.digest('hex');
};
