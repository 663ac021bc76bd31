import { nowUs } from './clock.ts';

export interface PatienceRules {
  /** Milliseconds in which an answer could have been given. */
  readonly limitMs: number;
  /** Milliseconds in all, however busy the machine is. */
  readonly mostMs: number;
}

const LEAST_MS = 1;

/**
 * Waits for an answer. That this thread came late to its timer does not count against whoever is to give it: what has
 * arrived by then is heard first. Neither does what `excusedUs` says of the other end.
 */
export class Patience {
  readonly #rules: PatienceRules;
  readonly #excusedUs: () => number;
  readonly #expired: () => void;
  readonly #startedAt = nowUs();
  #timer: NodeJS.Timeout | undefined;
  #judging: NodeJS.Immediate | undefined;
  /** It has given more time than the limit. */
  wasLonger = false;

  /**
   * @param expired called once, unless it is closed before
   * @param excusedUs microseconds since the start in which no answer could be given
   */
  constructor(rules: PatienceRules, expired: () => void, excusedUs: () => number = () => 0) {
    this.#rules = rules;
    this.#expired = expired;
    this.#excusedUs = excusedUs;
    this.#arm(rules.limitMs);
  }

  close(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#judging);
  }

  #arm(ms: number): void {
    this.#timer = setTimeout(() => {
      // Sockets are read between timers and this.
      this.#judging = setImmediate(() => this.#judge());
    }, ms);
  }

  #judge(): void {
    const { limitMs, mostMs } = this.#rules;
    const elapsedMs = (nowUs() - this.#startedAt) / 1000;
    const left = limitMs - elapsedMs + this.#excusedUs() / 1000;
    if (left < LEAST_MS || elapsedMs >= mostMs) {
      this.#expired();
      return;
    }
    this.wasLonger = true;
    this.#arm(Math.min(left, Math.max(mostMs - elapsedMs, LEAST_MS)));
  }
}
