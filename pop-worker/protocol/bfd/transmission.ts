import type { TimeUs } from '../contract.ts';
import type { Jitter } from './jitter.ts';

const SENT_AT = 0;
const PART = 1;
const DUE_AT = 2;
const INTERVAL = 3;

/** When the next periodic packet is due (RFC 5880 §6.8.3, §6.8.7). */
export class Transmission {
  readonly #jitter: Jitter;
  readonly #times: Float64Array;

  /** The first packet is due at once. */
  constructor(jitter: Jitter, now: TimeUs) {
    this.#jitter = jitter;
    this.#times = Float64Array.of(now, 1, now, 0);
  }

  get dueAt(): TimeUs {
    return this.#times[DUE_AT] as number;
  }

  get intervalUs(): number {
    return this.#times[INTERVAL] as number;
  }

  /** The interval may have changed: a shorter one counts from the packet before (§6.8.3), at the same part of it. */
  update(intervalUs: number): void {
    const times = this.#times;
    if (intervalUs === times[INTERVAL]) return;
    const isFirst = times[INTERVAL] === 0;
    times[INTERVAL] = intervalUs;
    if (!isFirst) times[DUE_AT] = (times[SENT_AT] as number) + intervalUs * (times[PART] as number);
  }

  onSent(now: TimeUs, detectMult: number): void {
    const times = this.#times;
    times[SENT_AT] = now;
    times[PART] = this.#jitter.draw(detectMult);
    times[DUE_AT] = now + (times[INTERVAL] as number) * (times[PART] as number);
  }
}
