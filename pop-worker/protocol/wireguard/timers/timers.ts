import { NEVER, type Random, type TimeUs } from '../../contract.ts';
import { MOST_JITTER_US } from '../limits.ts';
import { type Effect, ON_EVENT, ON_EXPIRY, TIMERS, type TimedEvent, Timer, type TimerAction } from './table.ts';

const drawn = new Uint16Array(1);
const drawnBytes = new Uint8Array(drawn.buffer);

/** The timers of one peer: deadlines, set by the table and nothing else. One that is idle has none. */
export class Timers {
  readonly #random: Random;
  readonly #deadlines = new Float64Array(TIMERS).fill(NEVER);
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
      return ON_EXPIRY[timer];
    }
    return undefined;
  }

  /** No handshake comes about: nobody is left to answer, and what is half done goes in the end. */
  giveUp(zeroKeysAt: TimeUs): void {
    this.#deadlines[Timer.keepalive] = NEVER;
    if (!this.isRunning(Timer.zeroKeys)) this.#deadlines[Timer.zeroKeys] = zeroKeysAt;
  }

  stop(): void {
    this.#deadlines.fill(NEVER);
  }

  #take({ timer, does, afterUs = 0, jitter }: Effect, now: TimeUs): void {
    if (does === 'stop') this.#deadlines[timer] = NEVER;
    if (does === 'stop' || (does === 'start' && this.isRunning(timer))) return;
    const us = afterUs === 'configured' ? this.#persistentUs : afterUs;
    if (us > 0) this.#deadlines[timer] = now + us + (jitter === true ? this.#jitter() : 0);
  }

  #jitter(): number {
    this.#random.fill(drawnBytes);
    return ((drawn[0] as number) * MOST_JITTER_US) / 0xffff;
  }
}
