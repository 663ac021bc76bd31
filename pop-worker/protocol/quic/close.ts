import { NEVER, type TimeUs } from '../contract.ts';
import type { CloseInfo } from './api.ts';

/** RFC 9000 §10.2. `closed`: nothing is sent or processed any more, the connection may be forgotten. */
export type ClosePhase = 'open' | 'closing' | 'draining' | 'closed';

/** What CONNECTION_CLOSE says (RFC 9000 §19.19). */
export interface CloseReason {
  readonly application: boolean;
  readonly code: number;
  readonly frameType: number;
  readonly reason: string;
}

/** A datagram with CONNECTION_CLOSE, for whoever goes on sending (RFC 9000 §10.2.1). */
export interface Farewell {
  readonly bytes: Uint8Array;
  /** Where it was sent, and from where, six words each. */
  readonly remote: Int32Array;
  readonly local: Int32Array;
  /** What arrives before was under way when the peer was told, and is no reason to tell it again. */
  readonly answersFrom: TimeUs;
}

/** The way from open to closed. */
export class Closer {
  #phase: ClosePhase = 'open';
  #deadline: TimeUs = NEVER;
  #lingerUs = 0;
  #pending = false;
  /** Undefined before it was sent. */
  farewell: Farewell | undefined;
  reason: CloseReason | undefined;
  info: CloseInfo | undefined;

  get phase(): ClosePhase {
    return this.#phase;
  }

  get isOpen(): boolean {
    return this.#phase === 'open';
  }

  /** We end it: CONNECTION_CLOSE is to be sent. @param lingerUs three times the PTO, from the next `start` on */
  close(reason: CloseReason, info: CloseInfo, lingerUs: number): void {
    if (this.#phase !== 'open') return;
    this.#phase = 'closing';
    this.reason = reason;
    this.info = info;
    this.#pending = true;
    this.#lingerUs = lingerUs;
  }

  /** The peer ended it: nothing is sent any more (RFC 9000 §10.2.2). */
  drain(info: CloseInfo, lingerUs: number): void {
    if (this.#phase === 'draining' || this.#phase === 'closed') return;
    if (this.#phase === 'open') this.#lingerUs = lingerUs;
    this.#phase = 'draining';
    this.info ??= info;
    this.#pending = false;
  }

  /** Over at once: idle timeout, stateless reset, or nothing was ever sent. */
  discard(info?: CloseInfo): void {
    if (this.#phase === 'closed') return;
    this.#phase = 'closed';
    this.info ??= info;
    this.#pending = false;
    this.#deadline = NEVER;
  }

  /** The period begins; commands bring no time, so it is not when they come. */
  start(now: TimeUs): void {
    if (this.#deadline === NEVER && this.#phase !== 'closed') this.#deadline = now + this.#lingerUs;
  }

  /** A CONNECTION_CLOSE is to be sent. */
  get pending(): boolean {
    return this.#pending;
  }

  onSent(farewell: Farewell): void {
    this.#pending = false;
    this.farewell = farewell;
  }

  deadline(): TimeUs {
    return this.#deadline;
  }

  onTimeout(now: TimeUs): void {
    if (now < this.#deadline) return;
    this.#phase = 'closed';
    this.#deadline = NEVER;
    this.#pending = false;
  }
}
