import { Poll, PollEvent } from './poll.ts';

/** Tells when a device or socket of the engine can be read or written, on this thread's event loop. */
export class Readiness {
  readonly #descriptor: () => number;
  #poll: Poll | undefined;
  #readable: (() => void) | undefined;
  #writable: (() => void) | undefined;
  #lost: (() => void) | undefined;
  #closed = false;

  /** @param descriptor asked for when there is something to wait for */
  constructor(descriptor: () => number) {
    this.#descriptor = descriptor;
  }

  /** Calls `callback` whenever something waits to be read; undefined stops. Keeps the event loop alive. */
  onReadable(callback: (() => void) | undefined): void {
    this.#readable = callback;
    this.#watch();
  }

  /** Calls `callback` once, when it can be written again. */
  onceWritable(callback: () => void): void {
    this.#writable = callback;
    this.#watch();
  }

  /** Calls `callback` once it is broken for good; heard only while something else is waited for. */
  onLost(callback: () => void): void {
    this.#lost = callback;
  }

  /** May be called twice, and inside a callback; no callback comes afterwards. @returns whether it was open */
  close(): boolean {
    if (this.#closed) return false;
    this.#closed = true;
    this.#poll?.close();
    return true;
  }

  #watch(): void {
    if (this.#closed) return;
    this.#poll ??= new Poll(this.#descriptor(), (events) => this.#wake(events));
    this.#poll.watch(
      (this.#readable === undefined ? 0 : PollEvent.readable) | (this.#writable === undefined ? 0 : PollEvent.writable),
    );
  }

  #wake(events: number): void {
    // It comes alone, and is the last.
    if ((events & PollEvent.failed) !== 0) this.#lost?.();
    if ((events & PollEvent.writable) !== 0 && this.#writable !== undefined) {
      const callback = this.#writable;
      this.#writable = undefined;
      this.#watch();
      callback();
    }
    if ((events & PollEvent.readable) !== 0 && !this.#closed) this.#readable?.();
  }
}
