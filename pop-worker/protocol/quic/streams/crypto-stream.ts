import type { FrameLog } from './frame-log.ts';

/** In-order CRYPTO bytes; lent for the call. */
export type CryptoDeliver = (buffer: Uint8Array, start: number, end: number) => void;

/** The CRYPTO stream of one encryption level, both directions (RFC 9000 §7.5, §19.6). */
export class CryptoStream {
  /** @param maxBufferedBytes how far beyond the delivered bytes the peer may send; at least 4096 (RFC 9000 §7.5) */
  constructor(_deliver: CryptoDeliver, _maxBufferedBytes?: number) {
    throw new Error('not yet');
  }
  /** Queues bytes by reference. */
  write(_data: Uint8Array): void {
    throw new Error('not yet');
  }
  /** Something waits to be sent (again). */
  get pending(): boolean {
    throw new Error('not yet');
  }
  /** Bytes arrived out of order wait for a gap to close: keys must not change over it. */
  get hasGap(): boolean {
    throw new Error('not yet');
  }
  /** Writes one CRYPTO frame and notes it. @returns the offset behind it, `at` when nothing fits or is pending */
  writeFrame(_buffer: Uint8Array, _at: number, _end: number, _log: FrameLog): number {
    throw new Error('not yet');
  }
  frameAcked(_offset: number, _length: number): void {
    throw new Error('not yet');
  }
  /** Also for probes. */
  frameLost(_offset: number, _length: number): void {
    throw new Error('not yet');
  }
  /** After Retry, or when Initial must be sent from the start: everything unacknowledged is pending again. */
  resend(): void {
    throw new Error('not yet');
  }
  /** @throws QuicError remote CRYPTO_BUFFER_EXCEEDED */
  receive(_offset: number, _buffer: Uint8Array, _start: number, _end: number): void {
    throw new Error('not yet');
  }
}
