import { threadCpuUs } from '#host/clock/clock.ts';
import type { TimeBudget } from '#protocol/wireguard/options.ts';

/** Parts of the time that all else of a thread takes, and of the time in which it does nothing. */
interface Shares {
  readonly ofBusy: number;
  readonly ofIdle: number;
}
/** Some 50 us each. */
const HANDSHAKES: Shares = { ofBusy: 1 / 16, ofIdle: 1 };
/**
 * Macs and cookies for whoever has not shown yet where it is: some 5 us each, and their sending. A thread that does nothing may be
 * waiting for a CPU that others need, the kernel for its packets among them.
 */
const STRANGERS: Shares = { ofBusy: 1 / 16, ofIdle: 1 / 4 };
/** What may be saved up, in microseconds: so long packets wait at most, and for one thing more. */
const MOST_US = 1000;
const RESERVE_US = MOST_US / 2;
/** Once all is spent, so much is saved up before it goes on: a turn of the loop for each handshake would cost as much again. */
const AGAIN_US = 400;
/** What is looked at to tell whether other work goes on: about so much of what was done last. */
const WINDOW_US = 20_000;

const loopIdleUs = (): number => 1000 * performance.eventLoopUtilization().idle;

/**
 * How long a thread may go on with what anybody can ask of WireGuard while packets, by WireGuard or by QUIC, want it too: for so
 * large shares of the time. It is taken from them as far as other work went on meanwhile, so that alone it has nearly all of a
 * thread.
 */
export class ShareOfTime implements TimeBudget {
  readonly #shares: Shares;
  readonly #clock: () => number;
  readonly #idle: () => number;
  #leftUs = MOST_US;
  #isSpent = false;
  #at: number;
  #idleUs: number;
  #startedAt = 0;
  /** What was taken since it was refilled. */
  #taken = 0;
  /** In the window: what was taken, and what other work took. */
  #own = 0;
  #others = 0;

  /**
   * @param clock how long the thread has had a CPU since its start, in microseconds: what it waits for one is nobody's
   * @param idle how long it has had nothing to do
   */
  constructor(shares: Shares, clock: () => number = threadCpuUs, idle: () => number = loopIdleUs) {
    this.#shares = shares;
    this.#clock = clock;
    this.#idle = idle;
    this.#at = clock();
    this.#idleUs = idle();
  }

  refill(): void {
    const [now, idleUs] = [this.#clock(), this.#idle()];
    const idle = Math.max(0, idleUs - this.#idleUs);
    const others = Math.max(0, now - this.#at - this.#taken);
    const { ofBusy, ofIdle } = this.#shares;
    this.#look(this.#taken, others);
    const alone = this.#taken * Math.max(0, 1 - this.#others / Math.max(this.#own, 1));
    this.#leftUs = Math.min(MOST_US, this.#leftUs + ofIdle * idle + ofBusy * others + alone);
    if (this.#leftUs >= AGAIN_US) this.#isSpent = false;
    this.#taken = 0;
    this.#at = now;
    this.#idleUs = idleUs;
  }

  #look(own: number, others: number): void {
    this.#own += own;
    this.#others += others;
    if (this.#own + this.#others < WINDOW_US) return;
    this.#own /= 2;
    this.#others /= 2;
  }

  start(): void {
    this.#startedAt = this.#clock();
  }

  spend(times: number): void {
    const took = times * Math.max(0, this.#clock() - this.#startedAt);
    this.#taken += took;
    // One thing that took long is not to be waited for longer than what may be saved up.
    this.#leftUs = Math.max(-MOST_US, this.#leftUs - took);
    if (this.#leftUs <= 0) this.#isSpent = true;
  }

  get isLeft(): boolean {
    return !this.#isSpent;
  }

  get isPlenty(): boolean {
    return this.#leftUs > RESERVE_US;
  }

  get untilLeftUs(): number {
    return Math.max(0, (this.#isSpent ? AGAIN_US : 1) - this.#leftUs) / this.#shares.ofIdle;
  }
}

/** For the core of a thread. */
export const timeShares = (): { readonly handshakeTime: TimeBudget; readonly strangerTime: TimeBudget } => ({
  handshakeTime: new ShareOfTime(HANDSHAKES),
  strangerTime: new ShareOfTime(STRANGERS),
});
