import { createHash } from 'node:crypto';
import type { Random } from '../../contract.ts';
import type { Hash } from '../authentication/authentication.ts';

/** Hashing for tests. */
export const nodeHash: Hash = {
  digest: (algorithm, bytes, at, length, into, intoAt) => {
    into.set(
      createHash(algorithm)
        .update(bytes.subarray(at, at + length))
        .digest(),
      intoAt,
    );
  },
};

/** Repeatable bytes of a 32-bit seed (mulberry32). */
export const seeded = (seed: number): Random => {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 24;
  };
  return {
    fill: (bytes) => {
      for (let i = 0; i < bytes.length; i++) bytes[i] = next();
    },
  };
};
