import { threadCpuUs } from '#host/clock/clock.ts';

const cpuMs = (): number => threadCpuUs() / 1000;

/**
 * The longest time that a thread was at one thing, and at nothing else: between two turns of its event loop. By its CPU time, so that
 * other programs of a busy machine are not in it.
 */
export class StandStill {
  #longestMs = 0;
  #lastMs = cpuMs();
  #next: NodeJS.Immediate;

  constructor() {
    const look = (): void => {
      const now = cpuMs();
      this.#longestMs = Math.max(this.#longestMs, now - this.#lastMs);
      this.#lastMs = now;
      this.#next = setImmediate(look);
    };
    this.#next = setImmediate(look);
  }

  /** In milliseconds, since it was asked last. */
  take(): number {
    const longest = this.#longestMs;
    this.#longestMs = 0;
    return longest;
  }

  close(): void {
    clearImmediate(this.#next);
  }
}
