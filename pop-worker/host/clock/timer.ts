import { native } from '../native.ts';
import { PollEvent, type PollHandle, type TimerHandle } from '../poll/native.ts';

/** One deadline at a time with the kernel's precision (timerfd), where setTimeout rounds to milliseconds. */
export class PreciseTimer {
  readonly #timer: TimerHandle;
  readonly #poll: PollHandle;

  constructor(callback: () => void) {
    this.#timer = native.timerOpen();
    this.#poll = native.pollOpen(native.timerDescriptor(this.#timer), true, callback);
    native.pollSet(this.#poll, PollEvent.readable);
  }

  /** Replaces the deadline. @param whenUs as of `nowUs()`; the past fires at once, Infinity (NEVER) disarms */
  arm(whenUs: number): void {
    native.timerArm(this.#timer, whenUs);
  }

  ref(): void {
    native.pollRef(this.#poll, true);
  }

  unref(): void {
    native.pollRef(this.#poll, false);
  }

  /** May be called twice, and inside the callback. */
  close(): void {
    native.pollClose(this.#poll);
    native.timerClose(this.#timer);
  }
}
