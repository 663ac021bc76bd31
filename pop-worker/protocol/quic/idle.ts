import { NEVER, type TimeUs } from '../contract.ts';

/** What came all the time and stops is asked after so soon, or after so many times the longest gap that there was lately. */
const HUSH_US = 100_000;
const HUSH_GAPS = 3;
/** The longest gap is forgotten by this share with each packet. */
const FORGET = 1 / 32;

/** When a connection is given up because nothing arrives any more (RFC 9000 §10.1), and when it asks for a sign of life. */
export class IdleTimer {
  #timeoutUs: number;
  #keepAliveUs: number;
  #restarted: TimeUs;
  #received: TimeUs;
  /** Between two packets that came lately, the longest one. */
  #gapUs = Number.POSITIVE_INFINITY;
  /** An ack-eliciting packet was sent since the last one that arrived. */
  #elicited = false;

  /** @param timeoutUs our own max_idle_timeout, 0 for none @param keepAliveUs 0 for never */
  constructor(now: TimeUs, timeoutUs: number, keepAliveUs: number) {
    this.#timeoutUs = timeoutUs;
    this.#keepAliveUs = keepAliveUs;
    this.#restarted = now;
    this.#received = now;
  }

  /** The minimum of both sides' values counts; 0 is none (RFC 9000 §10.1). */
  setPeerTimeout(us: number): void {
    if (us > 0) this.#timeoutUs = this.#timeoutUs > 0 ? Math.min(this.#timeoutUs, us) : us;
  }

  /** In microseconds, 0 for none. */
  get timeoutUs(): number {
    return this.#timeoutUs;
  }

  onReceived(now: TimeUs): void {
    const gap = now - this.#received;
    const faded = this.#gapUs * (1 - FORGET);
    this.#gapUs = faded > gap && faded < Number.POSITIVE_INFINITY ? faded : gap;
    this.#restarted = now;
    this.#received = now;
    this.#elicited = false;
  }

  onAckElicitingSent(now: TimeUs): void {
    if (this.#elicited) return;
    this.#elicited = true;
    this.#restarted = now;
  }

  /** @param ptoUs the period is at least three times the current PTO */
  deadline(ptoUs: number): TimeUs {
    return this.#timeoutUs > 0 ? this.#restarted + Math.max(this.#timeoutUs, 3 * ptoUs) : NEVER;
  }

  /**
   * When to send PING: sooner where packets came all the time and suddenly none does. Whoever only receives would not notice
   * else that nobody has the connection any more. Once one is on its way, loss recovery repeats it until it is acknowledged.
   */
  keepAliveDeadline(): TimeUs {
    if (this.#keepAliveUs === 0 || this.#elicited) return NEVER;
    return this.#received + Math.min(this.#keepAliveUs, Math.max(HUSH_US, HUSH_GAPS * this.#gapUs));
  }
}
