import type { TimeUs } from '../../contract.ts';
import { Endpoint } from '../endpoint.ts';
import { REKEY_TIMEOUT_US } from '../limits.ts';
import type { Pending } from '../peer.ts';
import type { Identity } from '../ports.ts';
import { INITIATION_BYTES } from '../wire/initiation.ts';

/**
 * An initiation may be lost, or come within 20 ms of another one, when a peer drops it: whoever goes on sending is asked again so
 * soon, then after twice as long each time. A peer knows but the latest that it answered: so gaps grow beyond its round trip.
 */
const FIRST_AGAIN_US = 1e6;

/**
 * So many times as many bytes as came from a source may go there: no more than came, and where something speaks for it what QUIC
 * sends to any (RFC 9000 §8.1).
 */
export const FACTOR = { ofAnybody: 1, ofExpected: 3 } as const;

/** The peer is where the worker that has its session has seen it: for so long, unless that one says something else. */
const VOUCHED_US = 5e6;

/**
 * A source that sends a peer's data of a session that this worker does not hold. It may be the peer, whose packets another
 * worker got until now; or anybody, who has it as its victim. What is sent to it is bounded by what came from it, and what is
 * begun with it is beside all that is under way with where the peer is known to be: a stranger must not hinder that.
 */
export class UnvalidatedSource {
  readonly endpoint = new Endpoint();
  /** Of our static keys, that which it most likely knows; undefined: nothing tells. */
  knows: Identity | undefined;
  #vouchedUntil: TimeUs = Number.NEGATIVE_INFINITY;
  #pending: Pending[] = [];
  #credit = 0;
  /** When the first of those that go together was to go there. */
  #sentAt: TimeUs = Number.NEGATIVE_INFINITY;
  /** How long after it the next ones may follow. */
  #againUs = FIRST_AGAIN_US;
  /** Of those that go together, how many were to go. */
  #begun = 0;
  /** …and how many went. */
  turn = 0;
  /** When the latest went: a moment later, perhaps. */
  #pendingSince: TimeUs = Number.NEGATIVE_INFINITY;

  /** Some bytes came from there. @returns false: it is known that the peer is elsewhere, or was a moment ago */
  count(words: Int32Array, at: number, bytes: number, now: TimeUs): boolean {
    if (this.isVouchedFor(now) && !this.endpoint.isAt(words, at)) return false;
    // Another source begins from nothing.
    if (this.endpoint.follow(words, at)) {
      this.#credit = 0;
      this.knows = undefined;
    }
    this.#credit += bytes;
    return true;
  }

  /** The worker that has the peer's session says that these bytes, which were counted when they came, are the peer's. */
  vouch(words: Int32Array, bytes: number, now: TimeUs): void {
    this.release();
    if (!this.endpoint.isAt(words, 0)) this.count(words, 0, bytes, now);
    this.#vouchedUntil = now + VOUCHED_US;
  }

  /** Nobody has the peer's session any more: it may be anywhere. */
  release(): void {
    this.#vouchedUntil = Number.NEGATIVE_INFINITY;
  }

  isVouchedFor(now: TimeUs): boolean {
    return now < this.#vouchedUntil;
  }

  /** Whether an initiation may go there now. @param ours static keys that it may know: one for each goes together */
  mayBegin(now: TimeUs, ours: number, factor: number): boolean {
    return factor * this.#credit >= INITIATION_BYTES && (this.#begun < ours || this.#isOver(now));
  }

  byIndex(index: number): Pending | undefined {
    return this.#pending.find((each) => each.index === index);
  }

  /**
   * What was begun with it and may be answered now. An answer that somebody held back for longer would begin a session whose
   * keys are over at the other side, with whoever sent it.
   */
  awaited(index: number, now: TimeUs): Pending | undefined {
    return now - this.#pendingSince < REKEY_TIMEOUT_US ? this.byIndex(index) : undefined;
  }

  /** One is to go there. */
  spend(now: TimeUs, factor: number): void {
    this.#credit -= INITIATION_BYTES / factor;
    if (this.#isOver(now)) {
      const isFirst = now - this.#sentAt >= REKEY_TIMEOUT_US;
      this.#againUs = isFirst ? FIRST_AGAIN_US : Math.min(2 * this.#againUs, REKEY_TIMEOUT_US);
      this.#begun = 0;
      this.turn = 0;
      this.#sentAt = now;
    }
    this.#begun++;
  }

  /** One has gone there. It is not repeated: what comes from there next is the occasion for another. */
  sent(pending: Pending, now: TimeUs): void {
    if (this.turn === 0) this.forget();
    this.turn++;
    this.#pending.push(pending);
    this.#pendingSince = now;
  }

  /** Wipes what was begun by this static key of ours. */
  forgetOf(own: Identity): void {
    for (const { keys, state } of this.#pending) if (keys.identity === own) state.forget();
    this.#pending = this.#pending.filter(({ keys }) => keys.identity !== own);
    if (this.knows === own) this.knows = undefined;
  }

  /** Wipes all that was begun. */
  forget(): void {
    for (const { state } of this.#pending) state.forget();
    this.#pending = [];
  }

  #isOver(now: TimeUs): boolean {
    return now - this.#sentAt >= this.#againUs;
  }
}
