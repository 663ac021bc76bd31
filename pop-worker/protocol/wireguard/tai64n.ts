/** Bytes of a TAI64N label: 8 of seconds, 4 of nanoseconds, both big-endian, so that labels compare as bytes do. */
export const TAI64N_BYTES = 12;

/** 2^62 is 1970 in TAI, which was 10 s ahead then; leap seconds are not counted, as nobody does. */
const EPOCH_HIGH = 0x4000_0000;
const AHEAD_S = 10;

/** @param unixUs microseconds of wall time */
export const writeTai64n = (unixUs: number, into: Uint8Array, at: number): void => {
  const seconds = Math.floor(unixUs / 1e6) + AHEAD_S;
  const view = new DataView(into.buffer, into.byteOffset + at, TAI64N_BYTES);
  view.setUint32(0, EPOCH_HIGH + Math.floor(seconds / 2 ** 32));
  view.setUint32(4, seconds % 2 ** 32);
  view.setUint32(8, (unixUs % 1e6) * 1000);
};

/** @returns below 0, 0 or above: `a` is before, at or after `b`; not constant in time, for labels are no secret */
export const compareTai64n = (a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): number => {
  for (let i = 0; i < TAI64N_BYTES; i++) {
    const difference = (a[aAt + i] as number) - (b[bAt + i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
};

/** Labels are told no finer than this, so that they say little of when exactly a packet left (as all peers do). */
const GRAIN_US = 2 ** 14;

/**
 * Labels for our own initiations: they rise whatever the wall clock does, and from worker to worker as far as each hears
 * of the other's (a hybrid logical clock). A peer refuses what is not after all it has seen under our key.
 */
export class HybridClock {
  readonly #unixUs: () => number;
  #last = 0;

  /** @param unixUs wall time, microseconds since 1970 */
  constructor(unixUs: () => number) {
    this.#unixUs = unixUs;
  }

  /** The last that was given out or heard of. */
  get last(): number {
    return this.#last;
  }

  next(): number {
    const now = Math.floor(this.#unixUs() / GRAIN_US) * GRAIN_US;
    // No coarser steps: many at once must not run ahead of the clock.
    this.#last = Math.max(now, this.#last + 1);
    return this.#last;
  }

  /** Another worker, or this one before it was started anew, has given this out. */
  observe(unixUs: number): void {
    this.#last = Math.max(this.#last, unixUs);
  }
}
