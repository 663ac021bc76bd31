/** Where the mesh's thread and those of the data plane tell each other whether the worker serves. */
export interface FenceMemory {
  /** How often the worker was given up, then up to which time each thread has obeyed. */
  readonly words: SharedArrayBuffer;
  /** Two times of CLOCK_BOOTTIME in microseconds: until when the worker holds its lease, when it was last found to serve. */
  readonly times: SharedArrayBuffer;
}

const [LEASE, SERVES] = [0, 1];
/** A thread that had no turn for so long was stopped, or hung: its beat alone gives it one every 50 ms. */
const STOPPED_US = 150_000;
/** What the mesh says of devices that have moved meanwhile is with the threads that have their sessions after so long. */
const TOLD_US = 100_000;
/** What has waited in sockets while a thread was stopped has been read after so long. */
const READ_US = 1_000_000;

/** For a worker with so many data-plane threads. */
export const allocateFence = (threads: number): FenceMemory => ({
  words: new SharedArrayBuffer(4 * (1 + threads)),
  times: new SharedArrayBuffer(16),
});

/**
 * A data-plane thread's side. Who was stopped, or hung, may have been given up: others answer for its connections then, and
 * devices may be elsewhere. Before its first packet it finds out.
 */
export class Fence {
  readonly #words: Int32Array;
  readonly #times: Float64Array;
  readonly #at: number;
  readonly #bootUs: () => number;
  #turnAt: number;
  /** Since when nothing may be received or sent; undefined: it may. */
  #shutAt: number | undefined;
  #openedAt = Number.NEGATIVE_INFINITY;

  /** @param thread index of this one @param bootUs CLOCK_BOOTTIME: it goes on while the machine sleeps */
  constructor({ words, times }: FenceMemory, thread: number, bootUs: () => number) {
    this.#words = new Int32Array(words);
    this.#times = new Float64Array(times);
    this.#at = 1 + thread;
    this.#bootUs = bootUs;
    this.#turnAt = bootUs();
  }

  /** Whether the worker was given up since `obey`: all that it had is to end first. */
  get isDown(): boolean {
    return Atomics.load(this.#words, 0) !== this.#words[this.#at];
  }

  /** @param end ends all that the thread has */
  obey(end: () => void): void {
    const given = Atomics.load(this.#words, 0);
    end();
    Atomics.store(this.#words, this.#at, given);
  }

  /** A turn begins. @returns whether anything may be received or sent in it */
  mayServe(): boolean {
    const now = this.#bootUs();
    const gap = now - this.#turnAt;
    this.#turnAt = now;
    if (gap > STOPPED_US && (this.#times[LEASE] as number) <= now) this.#shutAt = now;
    if (this.#shutAt !== undefined && (this.#times[SERVES] as number) > this.#shutAt) {
      this.#shutAt = undefined;
      this.#openedAt = now;
    }
    return this.#shutAt === undefined;
  }

  /** Whether what comes now may have waited while the thread was stopped, as long as others may have had its devices. */
  get isLate(): boolean {
    return this.#shutAt !== undefined || this.#bootUs() - this.#openedAt < READ_US;
  }
}

/** The side of the mesh's thread. */
export class FenceKeeper {
  readonly #words: Int32Array;
  readonly #times: Float64Array;
  #servesSince: number | undefined;

  constructor({ words, times }: FenceMemory) {
    this.#words = new Int32Array(words);
    this.#times = new Float64Array(times);
  }

  giveUp(): void {
    Atomics.add(this.#words, 0, 1);
  }

  /** Whether no thread has anything of before. */
  get isObeyed(): boolean {
    return this.#words.every((_, i) => Atomics.load(this.#words, i) === Atomics.load(this.#words, 0));
  }

  /** @param leaseUntil until when the worker holds its lease @param serves whether devices may be sent anything */
  keep(leaseUntil: number, serves: boolean, now: number): void {
    this.#times[LEASE] = leaseUntil;
    if (!serves) this.#servesSince = undefined;
    else {
      this.#servesSince ??= now;
      if (now - this.#servesSince >= TOLD_US) this.#times[SERVES] = now;
    }
  }
}
