import { MAX_WORKER_NUMBER } from '#protocol/quic-lb/server-id.ts';

/** Of probes that come at an interval the next one is overdue after so many; 40 ms are the shortest interval of a mesh. */
const OVERDUE = 1.25;

/** Where the mesh's thread tells those of the data plane whom it hears: for each number of a worker a time. */
export const allocateHeard = (): SharedArrayBuffer =>
  new SharedArrayBuffer((MAX_WORKER_NUMBER + 1) * Float64Array.BYTES_PER_ELEMENT);

/** From when on the silence of other workers says something of them, in microseconds of CLOCK_MONOTONIC. */
export class Heard {
  readonly #silentFrom: Float64Array;

  /** @param shared as `allocateHeard` made it */
  constructor(shared: SharedArrayBuffer) {
    this.#silentFrom = new Float64Array(shared);
  }

  /** @param intervalUs at which it says something */
  note(worker: number, intervalUs: number, now: number): void {
    this.#silentFrom[worker] = now + OVERDUE * intervalUs;
  }

  silentFrom(worker: number): number {
    return this.#silentFrom[worker] ?? 0;
  }
}
