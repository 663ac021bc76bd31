import { MAX_WORKER_NUMBER } from '#protocol/quic-lb/server-id.ts';

/**
 * Of probes that come at an interval, 40 ms at the shortest, three may be lost, and the next one is a little late. Fewer would
 * have whoever waits for that take a worker for gone that lives, some times an hour where one packet in a hundred is lost.
 */
const OVERDUE = 3.25;
/** While the mesh's thread has not looked since: how much later it is asked again. */
const AGAIN_US = 10_000;
/** No worker has this number: when the mesh's thread looked last. */
const LOOKED = 0;

/** Where the mesh's thread tells those of the data plane whom it hears: for each number of a worker a time. */
export const allocateHeard = (): SharedArrayBuffer =>
  new SharedArrayBuffer((MAX_WORKER_NUMBER + 1) * Float64Array.BYTES_PER_ELEMENT);

/** From when on the silence of other workers says something of them, in microseconds of CLOCK_MONOTONIC. */
export class Heard {
  readonly #times: Float64Array;

  /** @param shared as `allocateHeard` made it */
  constructor(shared: SharedArrayBuffer) {
    this.#times = new Float64Array(shared);
  }

  /** @param intervalUs at which it says something */
  note(worker: number, intervalUs: number, now: number): void {
    this.#times[worker] = now + OVERDUE * intervalUs;
  }

  /** All that has come by now is noted. */
  looked(now: number): void {
    this.#times[LOOKED] = now;
  }

  /** Later than now also while the mesh's thread, which may be late itself, has not looked since then. */
  silentFrom(worker: number, now: number): number {
    const from = this.#times[worker] ?? 0;
    return from > (this.#times[LOOKED] as number) ? Math.max(from, now + AGAIN_US) : from;
  }
}
