const AWAKE = 0;
const ASLEEP = 1;
/** Each bell has a cache line of its own. */
const WORDS = 16;

/** One bell for each thread. */
export const allocateBells = (threads: number): SharedArrayBuffer => new SharedArrayBuffer(threads * WORDS * 4);

/** Wakes a thread, which costs the one that rings 13 to 17 us: only when it sleeps, and once. @returns whether it slept */
export const ring = (bells: Int32Array, thread: number): boolean => {
  const at = thread * WORDS;
  if (Atomics.compareExchange(bells, at, ASLEEP, AWAKE) !== ASLEEP) return false;
  Atomics.notify(bells, at);
  return true;
};

/**
 * Calls `work` after each time that the thread was rung for, until `close`.
 *
 * @param work does what waits, a bounded part of it @returns whether more may wait
 */
export class Sleeper {
  readonly #bells: Int32Array;
  readonly #at: number;
  readonly #work: () => boolean;
  #closed = false;

  constructor(bells: Int32Array, thread: number, work: () => boolean) {
    this.#bells = bells;
    this.#at = thread * WORDS;
    this.#work = work;
    this.#run();
  }

  #run(): void {
    if (this.#closed) return;
    // From here on whoever pushes rings; what was pushed before that, the work finds.
    Atomics.store(this.#bells, this.#at, ASLEEP);
    if (this.#work()) {
      Atomics.store(this.#bells, this.#at, AWAKE);
      // Others of this thread have their turn first.
      setImmediate(() => this.#run());
      return;
    }
    const sleep = Atomics.waitAsync(this.#bells, this.#at, ASLEEP);
    if (sleep.async) void sleep.value.then(() => this.#run());
    else setImmediate(() => this.#run());
  }

  /** Lets the thread end: a wait that nobody answers does not keep it. */
  close(): void {
    this.#closed = true;
    ring(this.#bells, this.#at / WORDS);
  }
}
