import { localError, remoteError, TransportError } from './errors.ts';
import { FrameKind } from './recovery/frame-kind.ts';
import type { FrameLog } from './streams/frame-log.ts';
import { FrameType } from './wire/frames/frame-type.ts';
import { newConnectionIdLength, RESET_TOKEN_BYTES, writeNewConnectionId } from './wire/frames/new-connection-id.ts';
import { retireConnectionIdLength, writeRetireConnectionId } from './wire/frames/retire-connection-id.ts';

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

/** Who keeps an index of reset tokens (RFC 9000 §10.3.1) is told which are in use. */
export interface TokenIndex {
  used(token: Uint8Array): void;
  dropped(token: Uint8Array): void;
}

interface PeerCid {
  readonly sequence: number;
  cid: Uint8Array;
  token: Uint8Array | undefined;
  /** Which path uses it, -1 for none. */
  path: number;
}

interface Retirement {
  readonly sequence: number;
  pending: boolean;
}

/**
 * Connection IDs that the peer issued: we send to them (RFC 9000 §5.1, §9.5).
 *
 * Bounds: `activeLimit` IDs; 4 × `activeLimit` (at least 16) retirements that the peer has not acknowledged, beyond which
 * the connection closes (§5.1.2 asks for at least twice the limit).
 */
export class PeerCids {
  readonly #activeLimit: number;
  readonly #tokens: TokenIndex | undefined;
  readonly #cids: PeerCid[];
  readonly #retirements: Retirement[] = [];
  /** Sequence numbers below it are retired, whether they arrived or not. */
  #retirePriorTo = 0;
  /** Retired by ourselves at or above it: late copies of their frames bring nothing back. Kept while at most 64. */
  readonly #retired: number[] = [];

  /**
   * @param activeLimit our active_connection_id_limit, at least 2
   * @param initial the ID that the client chose at random, or the peer's own; replaced by `setInitial`
   */
  constructor(activeLimit: number, initial: Uint8Array, tokens?: TokenIndex) {
    this.#activeLimit = activeLimit;
    this.#tokens = tokens;
    this.#cids = [{ sequence: 0, cid: initial, token: undefined, path: 0 }];
  }

  /** The peer's handshake ID (sequence number 0): from its first packet, or Retry. */
  setInitial(cid: Uint8Array): void {
    const first = this.#cids.find((entry) => entry.sequence === 0);
    if (first !== undefined) first.cid = cid;
  }

  /** The token of sequence number 0 (stateless_reset_token of a server). */
  setInitialToken(token: Uint8Array): void {
    const first = this.#cids.find((entry) => entry.sequence === 0);
    if (first === undefined) return;
    first.token = token;
    if (first.path >= 0) this.#tokens?.used(token);
  }

  /** The ID of a preferred address: sequence number 1. */
  addPreferred(cid: Uint8Array, token: Uint8Array): void {
    this.#cids.push({ sequence: 1, cid, token, path: -1 });
  }

  /**
   * The ID that a path uses; one is taken if the former was retired by the peer. Path 0 exists from the start.
   *
   * @returns undefined when there is none: nothing can be sent on that path until the peer issues one
   */
  cidOf(path: number): Uint8Array | undefined {
    for (const entry of this.#cids) if (entry.path === path || entry.cid.length === 0) return entry.cid;
    return this.assign(path) ? this.cidOf(path) : undefined;
  }

  /** Takes an unused one for a path; the path's former one is retired (RFC 9000 §9.5). @returns `false`: none is left */
  assign(path: number): boolean {
    if (this.#cids[0]?.cid.length === 0) return true;
    let fresh: PeerCid | undefined;
    for (const entry of this.#cids) {
      if (entry.path < 0 && (fresh === undefined || entry.sequence < fresh.sequence)) fresh = entry;
    }
    if (fresh === undefined) return false;
    this.release(path);
    fresh.path = path;
    if (fresh.token !== undefined) this.#tokens?.used(fresh.token);
    return true;
  }

  /** The path is given up: its ID is retired. */
  release(path: number): void {
    const i = this.#cids.findIndex((entry) => entry.path === path);
    const entry = this.#cids[i];
    // A zero-length ID is all there is (RFC 9000 §5.1.1).
    if (entry === undefined || entry.cid.length === 0) return;
    this.#retired.push(entry.sequence);
    if (this.#retired.length > MAX_RETIRED) this.#retired.shift();
    this.#retire(i);
  }

  /** The peer wants none: packets on another path could be told to be of this connection (RFC 9000 §9.5). */
  get isEmpty(): boolean {
    return this.#cids[0]?.cid.length === 0;
  }

  /** Unused ones. */
  get available(): number {
    let n = 0;
    for (const entry of this.#cids) if (entry.path < 0) n++;
    return n;
  }

  /** NEW_CONNECTION_ID arrived. Bytes are lent. @throws QuicError remote */
  onNewConnectionId(sequence: number, retirePriorTo: number, cid: Uint8Array, token: Uint8Array): void {
    this.#check(sequence, retirePriorTo, cid, token);
    if (retirePriorTo > this.#retirePriorTo) this.#onRetirePriorTo(retirePriorTo);
    if (this.#cids.some((entry) => entry.sequence === sequence) || this.#retired.includes(sequence)) return;
    if (sequence < this.#retirePriorTo) {
      // §19.15: retired before it arrived; said at once, unless that was done already.
      if (!this.#retirements.some((entry) => entry.sequence === sequence)) this.#queueRetirement(sequence);
      return;
    }
    this.#cids.push({ sequence, cid: cid.slice(), token: token.slice(), path: -1 });
    if (this.#cids.length > this.#activeLimit) {
      throw remoteError(TransportError.connectionIdLimitError, 'too many connection IDs', FrameType.newConnectionId);
    }
  }

  #check(sequence: number, retirePriorTo: number, cid: Uint8Array, token: Uint8Array): void {
    if (this.#cids[0]?.cid.length === 0) {
      throw violation('a new connection ID though they are zero-length', FrameType.newConnectionId);
    }
    if (retirePriorTo > sequence || cid.length < 1 || cid.length > 20) {
      throw remoteError(TransportError.frameEncodingError, 'malformed NEW_CONNECTION_ID', FrameType.newConnectionId);
    }
    // §5.1.1: they are counted by ones.
    if (sequence > Number.MAX_SAFE_INTEGER) {
      throw violation('a sequence number that no count of connection IDs reaches', FrameType.newConnectionId);
    }
    for (const entry of this.#cids) {
      const same = sameBytes(entry.cid, cid, 0, cid.length);
      const sameToken = entry.token === undefined || sameBytes(entry.token, token, 0, token.length);
      if ((entry.sequence === sequence) !== same || (same && !sameToken)) {
        throw violation('a connection ID with another number or token than before', FrameType.newConnectionId);
      }
    }
  }

  /** RFC 9000 §5.1.2: stop using and retire, before the new one is added. */
  #onRetirePriorTo(retirePriorTo: number): void {
    this.#retirePriorTo = retirePriorTo;
    for (let i = this.#cids.length - 1; i >= 0; i--) {
      if ((this.#cids[i] as PeerCid).sequence < retirePriorTo) this.#retire(i);
    }
  }

  #retire(i: number): void {
    const [entry] = this.#cids.splice(i, 1);
    if (entry === undefined) return;
    if (entry.token !== undefined && entry.path >= 0) this.#tokens?.dropped(entry.token);
    this.#queueRetirement(entry.sequence);
  }

  #queueRetirement(sequence: number): void {
    this.#retirements.push({ sequence, pending: true });
    if (this.#retirements.length > Math.max(16, 4 * this.#activeLimit)) {
      throw remoteError(TransportError.connectionIdLimitError, 'too many retirements owed', FrameType.newConnectionId);
    }
  }

  /**
   * The 16 bytes are the reset token of an ID that we have used and not retired (RFC 9000 §10.3.1). `equal` must take the
   * same time whatever it finds; all are compared.
   */
  isResetToken(buffer: Uint8Array, at: number, equal: (a: Uint8Array, b: Uint8Array) => boolean): boolean {
    const token = buffer.subarray(at, at + RESET_TOKEN_BYTES);
    if (token.length < RESET_TOKEN_BYTES) return false;
    let found = false;
    for (const entry of this.#cids) {
      if (entry.path >= 0 && entry.token !== undefined && equal(entry.token, token)) found = true;
    }
    return found;
  }

  get pending(): boolean {
    return this.#retirements.some((entry) => entry.pending);
  }

  /** RETIRE_CONNECTION_ID frames, as many as fit. */
  writeFrames(buffer: Uint8Array, at: number, end: number, log: FrameLog): number {
    let next = at;
    for (const entry of this.#retirements) {
      if (!entry.pending) continue;
      if (retireConnectionIdLength(entry.sequence) > end - next) break;
      next = writeRetireConnectionId(buffer, next, entry.sequence);
      entry.pending = false;
      log.frame(FrameKind.retireConnectionId, entry.sequence, 0, 0);
    }
    return next;
  }

  frameAcked(sequence: number): void {
    const i = this.#retirements.findIndex((entry) => entry.sequence === sequence);
    if (i >= 0) this.#retirements.splice(i, 1);
  }

  frameLost(sequence: number): void {
    const entry = this.#retirements.find((candidate) => candidate.sequence === sequence);
    if (entry !== undefined) entry.pending = true;
  }
}

const MAX_RETIRED = 64;

const violation = (message: string, frameType: number) =>
  remoteError(TransportError.protocolViolation, message, frameType);

/** Not for secrets: its time tells where they differ. */
const sameBytes = (a: Uint8Array, buffer: Uint8Array, start: number, length: number): boolean => {
  if (a.length !== length || start + length > buffer.length) return false;
  for (let i = 0; i < length; i++) if (a[i] !== buffer[start + i]) return false;
  return true;
};
