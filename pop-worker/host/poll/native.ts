declare const kind: unique symbol;
export type PollHandle = { readonly [kind]: 'poll' };
export type TimerHandle = { readonly [kind]: 'timer' };

/** Bits of `events`. `failed`: the descriptor is broken for good (a removed device) and no longer watched. */
export const PollEvent = { readable: 1, writable: 2, failed: 16 } as const;

/** Readiness of descriptors and timers on the calling thread's event loop. */
export interface PollNative {
  /**
   * Watches a descriptor (a duplicate of it: the caller may close its own at any time). Nothing happens before `pollSet`.
   *
   * @param drain the descriptor is a timer or an eventfd: its 8-byte count is read before the callback
   * @param callback called on the event loop with the bits that are ready and, with `drain`, the count
   */
  pollOpen(descriptor: number, drain: boolean, callback: (events: number, count: number) => void): PollHandle;
  /** @param events bits of PollEvent; 0 pauses */
  pollSet(poll: PollHandle, events: number): void;
  /** Whether this watch keeps the event loop alive (at first it does). */
  pollRef(poll: PollHandle, keepsAlive: boolean): void;
  /** May be called twice, and inside the callback. */
  pollClose(poll: PollHandle): void;

  timerOpen(): TimerHandle;
  timerDescriptor(timer: TimerHandle): number;
  /** @param whenUs microseconds of CLOCK_MONOTONIC; the past fires at once, Infinity disarms */
  timerArm(timer: TimerHandle, whenUs: number): void;
  timerClose(timer: TimerHandle): void;
}
