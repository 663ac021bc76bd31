import { allocateBeat, beginBeat, giveBeat } from '#host/thread/beat.ts';

/** So often that a limit of a few hundred milliseconds has room for a beat that is late. */
const EVERY_MS = 50;

/** Beats for the thread that makes it, as long as its event loop turns: what `WatchedThread.beat` is looked at for. */
export class Beat {
  readonly buffer = allocateBeat();
  readonly #timer: NodeJS.Timeout;

  constructor() {
    const beat = new Float64Array(this.buffer);
    beginBeat(beat);
    this.#timer = setInterval(() => giveBeat(beat), EVERY_MS);
    this.#timer.unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
