import { nowUs } from '#host/clock/clock.ts';
import type { TimeBudget } from '#protocol/wireguard/options.ts';

/** Of handshakes, some 50 us each; and of macs and cookies for whoever has not shown yet where it is, some 5 us and their sending. */
const SHARE = 1 / 16;
/** What may be saved up, in microseconds: so long packets wait at most, and for one thing more. */
const MOST_US = 1000;
const RESERVE_US = MOST_US / 2;

const loopIdleUs = (): number => 1000 * performance.eventLoopUtilization().idle;

/**
 * How long a thread may go on with what anybody can ask of WireGuard while packets, by WireGuard or by QUIC, want it too: for so
 * large a share of the time that all else takes, and all that nobody uses. It is taken from the share as far as other work
 * went on meanwhile, so that alone it has nearly all of a thread.
 */
export class ShareOfTime implements TimeBudget {
  readonly #share: number;
  readonly #clock: () => number;
  readonly #idle: () => number;
  #leftUs = MOST_US;
  #at: number;
  #idleUs: number;
  #startedAt = 0;
  /** What was taken since it was refilled. */
  #taken = 0;

  /** @param clock microseconds @param idle how long the thread has had nothing to do since its start, in microseconds */
  constructor(share: number, clock: () => number = nowUs, idle: () => number = loopIdleUs) {
    this.#share = share;
    this.#clock = clock;
    this.#idle = idle;
    this.#at = clock();
    this.#idleUs = idle();
  }

  refill(): void {
    const [now, idleUs] = [this.#clock(), this.#idle()];
    const idle = Math.max(0, idleUs - this.#idleUs);
    const others = Math.max(0, now - this.#at - idle - this.#taken);
    const alone = Math.max(0, this.#taken - others);
    this.#leftUs = Math.min(MOST_US, this.#leftUs + idle + this.#share * others + alone);
    this.#taken = 0;
    this.#at = now;
    this.#idleUs = idleUs;
  }

  start(): void {
    this.#startedAt = this.#clock();
  }

  spend(times: number): void {
    const took = times * Math.max(0, this.#clock() - this.#startedAt);
    this.#taken += took;
    this.#leftUs -= took;
  }

  get isLeft(): boolean {
    return this.#leftUs > 0;
  }

  get isPlenty(): boolean {
    return this.#leftUs > RESERVE_US;
  }

  get untilLeftUs(): number {
    return Math.max(0, 1 - this.#leftUs);
  }
}

/** For the core of a thread. */
export const timeShares = (): { readonly handshakeTime: TimeBudget; readonly strangerTime: TimeBudget } => ({
  handshakeTime: new ShareOfTime(SHARE),
  strangerTime: new ShareOfTime(SHARE),
});
