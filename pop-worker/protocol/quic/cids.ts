import type { FrameLog } from './streams/frame-log.ts';

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

/** Connection IDs that we issued: the peer sends to them (RFC 9000 §5.1). */
export class LocalCids {
  constructor(_options: LocalCidsOptions) {
    throw new Error('not yet');
  }
  /** The peer's active_connection_id_limit; issues up to it. Call once the handshake lets 1-RTT be sent. */
  setPeerLimit(_limit: number): void {
    throw new Error('not yet');
  }
  /** The preferred address carried sequence number 1: takes it (RFC 9000 §5.1.1). */
  addPreferred(_cid: Uint8Array): void {
    throw new Error('not yet');
  }
  /** Its sequence number, -1 when it is not ours or retired. */
  sequenceOf(_buffer: Uint8Array, _start: number, _length: number): number {
    throw new Error('not yet');
  }
  /** RETIRE_CONNECTION_ID arrived in a packet sent to `arrivedOn` (its sequence number). @throws QuicError remote */
  onRetire(_sequence: number, _arrivedOn: number): void {
    throw new Error('not yet');
  }
  /** Asks the peer to retire everything issued before now (for a change of routing); new ones are issued. */
  replaceAll(): void {
    throw new Error('not yet');
  }
  get pending(): boolean {
    throw new Error('not yet');
  }
  /** NEW_CONNECTION_ID frames, as many as fit. @returns the offset behind them */
  writeFrames(_buffer: Uint8Array, _at: number, _end: number, _log: FrameLog): number {
    throw new Error('not yet');
  }
  frameAcked(_sequence: number): void {
    throw new Error('not yet');
  }
  frameLost(_sequence: number): void {
    throw new Error('not yet');
  }
  /** Every ID that is ours now. */
  forEach(_each: (cid: Uint8Array, sequence: number) => void): void {
    throw new Error('not yet');
  }
}

/** Connection IDs that the peer issued: we send to them (RFC 9000 §5.1, §9.5). */
export class PeerCids {
  /**
   * @param activeLimit our active_connection_id_limit, at least 2
   * @param initial the ID that the client chose at random, or the peer's own; replaced by `setInitial`
   */
  constructor(_activeLimit: number, _initial: Uint8Array) {
    throw new Error('not yet');
  }
  /** The peer's handshake ID (sequence number 0): from its first packet, or Retry. */
  setInitial(_cid: Uint8Array): void {
    throw new Error('not yet');
  }
  /** The token of sequence number 0 (stateless_reset_token of a server). */
  setInitialToken(_token: Uint8Array): void {
    throw new Error('not yet');
  }
  /** The ID of a preferred address: sequence number 1. */
  addPreferred(_cid: Uint8Array, _token: Uint8Array): void {
    throw new Error('not yet');
  }
  /** The ID that a path uses. Path 0 exists from the start. */
  cidOf(_path: number): Uint8Array {
    throw new Error('not yet');
  }
  /** Takes an unused one for a path; the path's former one is retired (RFC 9000 §9.5). @returns `false`: none is left */
  assign(_path: number): boolean {
    throw new Error('not yet');
  }
  /** The path is given up: its ID is retired. */
  release(_path: number): void {
    throw new Error('not yet');
  }
  /** Unused ones. */
  get available(): number {
    throw new Error('not yet');
  }
  /** NEW_CONNECTION_ID arrived. Bytes are lent. @throws QuicError remote */
  onNewConnectionId(_sequence: number, _retirePriorTo: number, _cid: Uint8Array, _token: Uint8Array): void {
    throw new Error('not yet');
  }
  /** The 16 bytes are the reset token of an ID in use (RFC 9000 §10.3.1), compared by the given function. */
  isResetToken(_buffer: Uint8Array, _at: number, _equal: (a: Uint8Array, b: Uint8Array) => boolean): boolean {
    throw new Error('not yet');
  }
  get pending(): boolean {
    throw new Error('not yet');
  }
  /** RETIRE_CONNECTION_ID frames, as many as fit. */
  writeFrames(_buffer: Uint8Array, _at: number, _end: number, _log: FrameLog): number {
    throw new Error('not yet');
  }
  frameAcked(_sequence: number): void {
    throw new Error('not yet');
  }
  frameLost(_sequence: number): void {
    throw new Error('not yet');
  }
}
