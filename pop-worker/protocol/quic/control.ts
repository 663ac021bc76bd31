import type { AckRequests } from './ack/asking.ts';
import type { LocalCids } from './cids/local-cids.ts';
import type { Retirements } from './cids/retirements.ts';
import { FrameKind } from './recovery/frame-kind.ts';
import type { FrameLog } from './streams/frame-log.ts';
import { writeHandshakeDone } from './wire/frames/handshake-done.ts';
import { newTokenLength, writeNewToken } from './wire/frames/new-token.ts';

/** Frames of a connection that belong to no stream: HANDSHAKE_DONE, NEW_TOKEN, ACK_FREQUENCY, and those about connection IDs. */
export class ControlFrames {
  readonly #localCids: LocalCids;
  readonly #retirements: Retirements;
  readonly #ackRequests: AckRequests;
  #handshakeDone = false;
  #token: Uint8Array | undefined;
  #tokenPending = false;

  constructor(localCids: LocalCids, retirements: Retirements, ackRequests: AckRequests) {
    this.#localCids = localCids;
    this.#retirements = retirements;
    this.#ackRequests = ackRequests;
  }

  /** RFC 9000 §19.20 */
  sendHandshakeDone(): void {
    this.#handshakeDone = true;
  }

  /** RFC 9000 §8.1.3: the latest replaces those that are not sent yet. */
  sendToken(token: Uint8Array): void {
    this.#token = token;
    this.#tokenPending = true;
  }

  get pending(): boolean {
    if (this.#handshakeDone || this.#tokenPending || this.#ackRequests.pending) return true;
    return this.#localCids.pending || this.#retirements.pending;
  }

  writeFrames(buffer: Uint8Array, start: number, end: number, log: FrameLog): number {
    let at = start;
    if (this.#handshakeDone && at < end) {
      at = writeHandshakeDone(buffer, at);
      log.frame(FrameKind.handshakeDone, 0, 0, 0);
      this.#handshakeDone = false;
    }
    if (this.#retirements.pending) at = this.#retirements.writeFrames(buffer, at, end, log);
    if (this.#localCids.pending) at = this.#localCids.writeFrames(buffer, at, end, log);
    if (this.#ackRequests.pending) at = this.#ackRequests.writeFrame(buffer, at, end, log);
    const token = this.#token;
    if (this.#tokenPending && token !== undefined && at + newTokenLength(token.length) <= end) {
      at = writeNewToken(buffer, at, token);
      log.frame(FrameKind.newToken, 0, 0, 0);
      this.#tokenPending = false;
    }
    return at;
  }

  frameAcked(kind: FrameKind, a: number): void {
    if (kind === FrameKind.newConnectionId) this.#localCids.frameAcked(a);
    else if (kind === FrameKind.retireConnectionId) this.#retirements.frameAcked(a);
    else if (kind === FrameKind.newToken && !this.#tokenPending) this.#token = undefined;
  }

  frameLost(kind: FrameKind, a: number): void {
    if (kind === FrameKind.newConnectionId) this.#localCids.frameLost(a);
    else if (kind === FrameKind.retireConnectionId) this.#retirements.frameLost(a);
    else if (kind === FrameKind.ackFrequency) this.#ackRequests.onLost(a);
    else if (kind === FrameKind.handshakeDone) this.#handshakeDone = true;
    else if (kind === FrameKind.newToken) this.#tokenPending = this.#token !== undefined;
  }
}
