import { randomFillSync } from 'node:crypto';
import type { Random } from '#protocol/contract.ts';

const POOL_BYTES = 4096;
/** Asking for few bytes costs as much as asking for hundreds. */
const FEW_BYTES = 64;

/** Unpredictable bytes of OpenSSL, fetched many at a time; each is given out once and then forgotten. */
export const pooledRandom = (): Random => {
  const pool = new Uint8Array(POOL_BYTES);
  let at = POOL_BYTES;
  return {
    fill: (bytes) => {
      const { length } = bytes;
      if (length > FEW_BYTES) {
        randomFillSync(bytes);
        return;
      }
      if (at + length > POOL_BYTES) {
        randomFillSync(pool);
        at = 0;
      }
      for (let i = 0; i < length; i++) bytes[i] = pool[at + i] as number;
      pool.fill(0, at, at + length);
      at += length;
    },
  };
};
