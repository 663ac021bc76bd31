import { native } from '../native.ts';
import { PollEvent, type PollHandle } from './native.ts';

export { PollEvent } from './native.ts';

/** Watches one descriptor on this thread's event loop. */
export class Poll {
  readonly #handle: PollHandle;

  /** @param descriptor duplicated; the caller's own may be closed first @param callback given bits of PollEvent */
  constructor(descriptor: number, callback: (events: number) => void) {
    this.#handle = native.pollOpen(descriptor, false, callback);
  }

  /** @param events bits of PollEvent to wait for; 0 pauses */
  watch(events: number): void {
    native.pollSet(this.#handle, events & (PollEvent.readable | PollEvent.writable));
  }

  ref(): void {
    native.pollRef(this.#handle, true);
  }

  unref(): void {
    native.pollRef(this.#handle, false);
  }

  /** May be called twice, and inside the callback. */
  close(): void {
    native.pollClose(this.#handle);
  }
}
