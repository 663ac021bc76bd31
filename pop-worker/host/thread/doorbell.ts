import { native } from '../native.ts';
import { PollEvent, type PollHandle } from '../poll/native.ts';

/**
 * Wakes the thread that made it. Ringing a sleeping thread costs the ringer 13 to 17 µs: ring once a burst, and only when
 * a shared flag says that the other side sleeps.
 */
export class Doorbell {
  /** What other threads pass to `ringDoorbell`; a plain number, so that it can be posted. */
  readonly id: number;
  readonly #poll: PollHandle;
  #open = true;

  /** @param callback given how often it was rung since the last call */
  constructor(callback: (rings: number) => void) {
    this.id = native.doorbellOpen();
    this.#poll = native.pollOpen(native.doorbellDescriptor(this.id), true, (_events, rings) => callback(rings));
    native.pollSet(this.#poll, PollEvent.readable);
  }

  ref(): void {
    native.pollRef(this.#poll, true);
  }

  unref(): void {
    native.pollRef(this.#poll, false);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    native.pollClose(this.#poll);
    native.doorbellClose(this.id);
  }
}

/** From any thread of the process. @param id a Doorbell's */
export const ringDoorbell = (id: number): void => native.doorbellRing(id);
