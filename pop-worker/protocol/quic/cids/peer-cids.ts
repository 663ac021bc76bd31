import { remoteError, TransportError } from '../errors.ts';
import { FrameType } from '../wire/frames/frame-type.ts';
import { RESET_TOKEN_BYTES } from '../wire/frames/new-connection-id.ts';
import { Retirements } from './retirements.ts';
import { sameBytes, violation } from './rules.ts';

const MAX_RETIRED = 64;

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

/**
 * Connection IDs that the peer issued: we send to them (RFC 9000 §5.1, §9.5). Holds `activeLimit` at most, beyond which the
 * connection closes.
 */
export class PeerCids {
  readonly #activeLimit: number;
  readonly #tokens: TokenIndex | undefined;
  readonly #cids: PeerCid[];
  /** What the peer is to be told of those that we use no more. */
  readonly retirements: Retirements;
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
    this.retirements = new Retirements(activeLimit);
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
      if (!this.retirements.has(sequence)) this.retirements.add(sequence);
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
    this.retirements.add(entry.sequence);
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
}
