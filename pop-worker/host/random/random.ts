import { randomFillSync } from 'node:crypto';
import type { Random } from '#protocol/contract.ts';

/** Drawn from the system's generator at a time. A draw takes some ten microseconds, of 8 bytes as of all these. */
const STOCK_BYTES = 4096;
/** Who wants more than this draws for itself. */
const MOST_BYTES = 256;

const stock = new Uint8Array(STOCK_BYTES);
let left = 0;

/** Unpredictable bytes, each given out once: a thread's own stock of them, which forgets what it gives. */
export const systemRandom: Random = {
  fill: (bytes) => {
    if (bytes.length > MOST_BYTES) {
      randomFillSync(bytes);
      return;
    }
    if (bytes.length > left) {
      randomFillSync(stock);
      left = STOCK_BYTES;
    }
    const start = left - bytes.length;
    for (let i = 0; i < bytes.length; i++) {
      bytes[i] = stock[start + i] as number;
      stock[start + i] = 0;
    }
    left = start;
  },
};
