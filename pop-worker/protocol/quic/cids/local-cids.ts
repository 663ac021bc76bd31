import { localError, TransportError } from '../errors.ts';
import { FrameKind } from '../recovery/frame-kind.ts';
import type { FrameLog } from '../streams/frame-log.ts';
import { FrameType } from '../wire/frames/frame-type.ts';
import { newConnectionIdLength, writeNewConnectionId } from '../wire/frames/new-connection-id.ts';
import { sameBytes, violation } from './rules.ts';

export interface LocalCidsOptions {
  /** The source connection ID of our first packets: sequence number 0. */
  readonly initial: Uint8Array;
  /** Makes the next one, unpredictable to observers (RFC 9000 §5.1). */
  readonly generate: () => Uint8Array;
  /** Its stateless reset token, 16 bytes (RFC 9000 §10.3.2). */
  readonly resetToken: (cid: Uint8Array) => Uint8Array;
  /** Packets to this ID belong to the connection from now on. */
  readonly issued: (cid: Uint8Array, sequence: number) => void;
  /** …no more. */
  readonly retired: (cid: Uint8Array, sequence: number) => void;
  /** How many we keep active at most, whatever the peer would take. 4 by default. */
  readonly maxActive?: number;
}

interface LocalCid {
  readonly sequence: number;
  readonly cid: Uint8Array;
  /** Its NEW_CONNECTION_ID frame waits to be written (again). */
  pending: boolean;
  /** The peer may know of it: the frame was written, or the handshake carried it. */
  sent: boolean;
}

/**
 * Connection IDs that we issued: the peer sends to them (RFC 9000 §5.1). `issued` is not called for the initial one.
 * Holds 2 × `maxActive` at most.
 */
export class LocalCids {
  readonly #options: LocalCidsOptions;
  readonly #cids: LocalCid[] = [];
  #next = 1;
  #limit = 1;
  #retirePriorTo = 0;

  constructor(options: LocalCidsOptions) {
    this.#options = options;
    this.#cids.push({ sequence: 0, cid: options.initial, pending: false, sent: true });
  }

  /** IDs that belong to us now. */
  get count(): number {
    return this.#cids.length;
  }

  /** The peer's active_connection_id_limit; issues up to it. Call once the handshake is confirmed. */
  setPeerLimit(limit: number): void {
    this.#limit = Math.min(limit, this.#options.maxActive ?? 4);
    this.#issue();
  }

  /** The preferred address carried sequence number 1: takes it (RFC 9000 §5.1.1). Call before `setPeerLimit`. */
  addPreferred(cid: Uint8Array): void {
    if (this.#next !== 1) throw localError(TransportError.internalError, 'sequence number 1 is taken');
    this.#next = 2;
    this.#cids.push({ sequence: 1, cid, pending: false, sent: true });
    this.#options.issued(cid, 1);
  }

  /** Its sequence number, -1 when it is not ours or retired. */
  sequenceOf(buffer: Uint8Array, start: number, length: number): number {
    for (const entry of this.#cids) if (sameBytes(entry.cid, buffer, start, length)) return entry.sequence;
    return -1;
  }

  /** RETIRE_CONNECTION_ID arrived in a packet sent to `arrivedOn` (its sequence number). @throws QuicError remote */
  onRetire(sequence: number, arrivedOn: number): void {
    const i = this.#cids.findIndex((entry) => entry.sequence === sequence);
    // RFC 9000 §19.16: greater than any sent; the ID of this very packet; zero-length IDs cannot be retired.
    const unsent = sequence >= this.#next || this.#cids[i]?.sent === false;
    if (unsent) throw violation('retires a connection ID that was never issued', FrameType.retireConnectionId);
    if (this.#isEmpty()) throw violation('retires a zero-length connection ID', FrameType.retireConnectionId);
    if (sequence === arrivedOn)
      throw violation('retires the connection ID that it came to', FrameType.retireConnectionId);
    if (i < 0) return;
    const [entry] = this.#cids.splice(i, 1);
    if (entry !== undefined) this.#options.retired(entry.cid, sequence);
    this.#issue();
  }

  /**
   * Asks the peer to retire everything issued before now (for a change of routing); new ones are issued.
   *
   * @returns `false`, and nothing happens, while it still owes retirements from the last time (RFC 9000 §5.1.2)
   */
  replaceAll(): boolean {
    if (this.#isEmpty() || this.#cids.some((entry) => entry.sequence < this.#retirePriorTo)) return false;
    this.#retirePriorTo = this.#next;
    this.#issue();
    return true;
  }

  get pending(): boolean {
    return this.#cids.some((entry) => entry.pending);
  }

  /** NEW_CONNECTION_ID frames, as many as fit. @returns the offset behind them */
  writeFrames(buffer: Uint8Array, at: number, end: number, log: FrameLog): number {
    let next = at;
    for (const entry of this.#cids) {
      if (!entry.pending) continue;
      // Those issued before `replaceAll` cannot name a number above their own (§19.15).
      const retirePriorTo = Math.min(this.#retirePriorTo, entry.sequence);
      if (newConnectionIdLength(entry.sequence, retirePriorTo, entry.cid.length) > end - next) break;
      const token = this.#options.resetToken(entry.cid);
      next = writeNewConnectionId(buffer, next, entry.sequence, retirePriorTo, entry.cid, token);
      entry.pending = false;
      entry.sent = true;
      log.frame(FrameKind.newConnectionId, entry.sequence, 0, 0);
    }
    return next;
  }

  frameAcked(sequence: number): void {
    const entry = this.#cids.find((candidate) => candidate.sequence === sequence);
    if (entry !== undefined) entry.pending = false;
  }

  frameLost(sequence: number): void {
    const entry = this.#cids.find((candidate) => candidate.sequence === sequence);
    if (entry !== undefined) entry.pending = true;
  }

  /** Every ID that is ours now. */
  forEach(each: (cid: Uint8Array, sequence: number) => void): void {
    for (const entry of this.#cids) each(entry.cid, entry.sequence);
  }

  /** RFC 9000 §5.1.1: who begins with a zero-length ID issues none. */
  #isEmpty(): boolean {
    return this.#options.initial.length === 0;
  }

  #issue(): void {
    if (this.#isEmpty()) return;
    let active = 0;
    for (const entry of this.#cids) if (entry.sequence >= this.#retirePriorTo) active++;
    for (; active < this.#limit; active++) {
      const sequence = this.#next++;
      const cid = this.#options.generate();
      this.#cids.push({ sequence, cid, pending: true, sent: false });
      this.#options.issued(cid, sequence);
    }
  }
}
