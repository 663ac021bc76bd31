import { NEVER, type Random, type TimeUs } from '../../contract.ts';
import { KEEPALIVE_TIMEOUT_US, MOST_JITTER_US } from '../limits.ts';
import { type Effect, ON_EVENT, ON_EXPIRY, TIMERS, type TimedEvent, Timer, type TimerAction } from './table.ts';

const drawn = new Uint16Array(1);
const drawnBytes = new Uint8Array(drawn.buffer);

/** The timers of one peer: deadlines, set by the table and nothing else. One that is idle has none. */
export class Timers {
  readonly #random: Random;
  readonly #deadlines = new Float64Array(TIMERS).fill(NEVER);
  /** Data came while the keepalive that answers what came before was still to be sent. */
  #repeatKeepalive = false;
  #repeatsNow = false;
  #persistentUs = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** When the next one ends. */
  get deadline(): TimeUs {
    let first = NEVER;
    for (let i = 0; i < TIMERS; i++) first = Math.min(first, this.#deadlines[i] as number);
    return first;
  }

  /** Whether keepalives are sent without being asked for by data. */
  get isPersistent(): boolean {
    return this.#persistentUs > 0;
  }

  isRunning(timer: Timer): boolean {
    return this.#deadlines[timer] !== NEVER;
  }

  on(event: TimedEvent, now: TimeUs): void {
    for (const effect of ON_EVENT[event]) this.#take(effect, now);
  }

  /** @param us microseconds, 0: none */
  setPersistentKeepalive(us: number): void {
    this.#persistentUs = us;
    if (us === 0) this.#deadlines[Timer.persistentKeepalive] = NEVER;
  }

  /** @returns what is to be done for one timer that has ended, or undefined when none has */
  expire(now: TimeUs): TimerAction | undefined {
    for (let timer = 0; timer < TIMERS; timer++) {
      if ((this.#deadlines[timer] as number) > now) continue;
      this.#deadlines[timer] = NEVER;
      if (timer === Timer.keepalive) {
        this.#repeatsNow = this.#repeatKeepalive;
        this.#repeatKeepalive = false;
      }
      return ON_EXPIRY[timer];
    }
    return undefined;
  }

  /** After a keepalive that `expire` asked for: what came while it was waited for is answered as well. */
  keepaliveSent(now: TimeUs): void {
    if (this.#repeatsNow) this.#deadlines[Timer.keepalive] = now + KEEPALIVE_TIMEOUT_US;
    this.#repeatsNow = false;
  }

  /** No handshake comes about: nobody is left to answer, and what is half done goes in the end. */
  giveUp(zeroKeysAt: TimeUs): void {
    this.#deadlines[Timer.keepalive] = NEVER;
    if (!this.isRunning(Timer.zeroKeys)) this.#deadlines[Timer.zeroKeys] = zeroKeysAt;
  }

  stop(): void {
    this.#deadlines.fill(NEVER);
    this.#repeatKeepalive = false;
    this.#repeatsNow = false;
  }

  #take({ timer, does, afterUs = 0, jitter }: Effect, now: TimeUs): void {
    const isRunning = this.isRunning(timer);
    if (does === 'stop') this.#end(timer);
    if (does === 'stop' || (does === 'start' && isRunning)) return;
    if (does === 'startOrRepeat' && isRunning) {
      this.#repeatKeepalive = true;
      return;
    }
    const us = afterUs === 'configured' ? this.#persistentUs : afterUs;
    if (us > 0) this.#deadlines[timer] = now + us + (jitter === true ? this.#jitter() : 0);
  }

  #end(timer: Timer): void {
    this.#deadlines[timer] = NEVER;
    if (timer === Timer.keepalive) this.#repeatKeepalive = false;
  }

  #jitter(): number {
    this.#random.fill(drawnBytes);
    return ((drawn[0] as number) * MOST_JITTER_US) / 0xffff;
  }
}
