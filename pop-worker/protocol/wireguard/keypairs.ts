import type { TimeUs } from '../contract.ts';
import {
  REJECT_AFTER_US,
  REJECT_COUNTER_HIGH,
  REJECT_COUNTER_LOW,
  REKEY_AFTER_US,
  REKEY_COUNTER_HIGH,
} from './limits.ts';
import type { Identity, SessionKeys, TransportPort } from './ports.ts';
import { ReplayWindow } from './replay-window.ts';

/** A counter that is not used any more, of what is sent as of what is received (reject after messages). */
export const isRejected = (high: number, low: number): boolean =>
  high === REJECT_COUNTER_HIGH && low >= REJECT_COUNTER_LOW;

/** One session: keys both ways, what it is addressed by, and how far it has been used. */
export class Keypair {
  /** What the peer addresses it by, and what we do. */
  readonly index: number;
  readonly remoteIndex: number;
  readonly keys: SessionKeys;
  /** Our static key, of which the peer knows the public one. */
  readonly own: Identity;
  readonly isInitiator: boolean;
  readonly createdAt: TimeUs;
  readonly replay = new ReplayWindow();
  /** Something authentic came with it. */
  isConfirmed = false;
  /** Counter of the next message: two words. */
  sendHigh = 0;
  sendLow = 0;

  constructor(
    index: number,
    remoteIndex: number,
    { keys, own }: { readonly keys: SessionKeys; readonly own: Identity },
    isInitiator: boolean,
    createdAt: TimeUs,
  ) {
    this.own = own;
    this.index = index;
    this.remoteIndex = remoteIndex;
    this.keys = keys;
    this.isInitiator = isInitiator;
    this.createdAt = createdAt;
  }

  isExpired(now: TimeUs): boolean {
    return now - this.createdAt >= REJECT_AFTER_US;
  }

  /** @param messages that are to go with it */
  maySend(now: TimeUs, messages = 1): boolean {
    return !this.isExpired(now) && !isRejected(this.sendHigh, this.sendLow + messages - 1);
  }

  /** Whether it is time for the next one: only the initiator looks at the clock, both at the counter. */
  isStale(now: TimeUs): boolean {
    if (this.sendHigh > REKEY_COUNTER_HIGH || (this.sendHigh === REKEY_COUNTER_HIGH && this.sendLow > 0)) return true;
    return this.isInitiator && now - this.createdAt >= REKEY_AFTER_US;
  }

  countSent(messages = 1): void {
    const next = this.sendLow + messages;
    this.sendLow = next >>> 0;
    if (next >= 2 ** 32) this.sendHigh++;
  }
}

/**
 * The sessions of a peer (paper §6.3): `current` sends; `previous` still receives what was under way; `next` is what we
 * answered an initiation with, and sends once the peer has shown that it has the keys.
 */
export class Keypairs {
  readonly #transport: TransportPort;
  current: Keypair | undefined;
  previous: Keypair | undefined;
  next: Keypair | undefined;

  constructor(transport: TransportPort) {
    this.#transport = transport;
  }

  byIndex(index: number): Keypair | undefined {
    if (this.current?.index === index) return this.current;
    if (this.next?.index === index) return this.next;
    return this.previous?.index === index ? this.previous : undefined;
  }

  /** We initiated and have the response: the peer has the keys. What it may have begun itself still receives. */
  addInitiated(keypair: Keypair): void {
    const { current, next } = this;
    this.#forget(this.previous);
    this.previous = next ?? current;
    if (next !== undefined) this.#forget(current);
    this.next = undefined;
    this.current = keypair;
  }

  /** We responded: the peer may not have got it. */
  addResponded(keypair: Keypair): void {
    this.#forget(this.next);
    this.#forget(this.previous);
    this.previous = undefined;
    this.next = keypair;
  }

  /** Something authentic came with it. @returns whether that was the first of the session that we answered with */
  confirm(keypair: Keypair): boolean {
    if (keypair !== this.next) return false;
    this.#forget(this.previous);
    this.previous = this.current;
    this.current = keypair;
    this.next = undefined;
    return true;
  }

  /** Wipes those of this static key of ours. */
  forgetOf(own: Identity): void {
    for (const name of ['current', 'previous', 'next'] as const) {
      if (this[name]?.own !== own) continue;
      this.#forget(this[name]);
      this[name] = undefined;
    }
  }

  /** Wipes all keys. */
  forget(): void {
    for (const keypair of [this.current, this.previous, this.next]) this.#forget(keypair);
    this.current = undefined;
    this.previous = undefined;
    this.next = undefined;
  }

  #forget(keypair: Keypair | undefined): void {
    if (keypair === undefined) return;
    this.#transport.forget(keypair.keys.send);
    this.#transport.forget(keypair.keys.receive);
  }
}
