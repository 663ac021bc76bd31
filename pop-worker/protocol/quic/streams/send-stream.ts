import { SendBuffer } from './send-buffer.ts';

/** States of RFC 9000 §3.1, figure 2. */
export type SendState = 'ready' | 'send' | 'dataSent' | 'dataRecvd' | 'resetSent' | 'resetRecvd';

/** The sending part of a stream (RFC 9000 §3.1). Knows no frames; `Sender` writes them from what `select` picked. */
export class SendStream {
  readonly buffer: SendBuffer = new SendBuffer();
  /** Offset below which the peer lets us send. */
  limit = 0;
  /** Code of our RESET_STREAM, -1 while there is none. */
  resetCode = -1;
  /** Final size that our RESET_STREAM names. */
  finalSize = 0;
  /** RESET_STREAM was in a packet. */
  resetWritten = false;
  /** The limit that STREAM_DATA_BLOCKED has named, -1 for none: once a limit is enough. */
  blockedAt = -1;
  /** What `select` picked: bytes [pickOffset, pickOffset + pickLength) at most. */
  pickOffset = 0;
  pickLength = 0;

  #begun = false;
  #finQueued = false;
  #finSent = false;
  #finLost = false;
  #finAcked = false;
  #resetAcked = false;

  get state(): SendState {
    if (this.#resetAcked) return 'resetRecvd';
    if (this.resetWritten) return 'resetSent';
    if (this.#finAcked && this.buffer.isSettled) return 'dataRecvd';
    if (this.#finSent && this.buffer.sent === this.buffer.end) return 'dataSent';
    return this.#begun ? 'send' : 'ready';
  }

  get isTerminal(): boolean {
    return this.resetCode >= 0 ? this.#resetAcked : this.#finAcked && this.buffer.isSettled;
  }

  get finQueued(): boolean {
    return this.#finQueued;
  }

  /** Nothing is taken any more: after FIN or reset. */
  get isClosed(): boolean {
    return this.#finQueued || this.resetCode >= 0;
  }

  get bufferedBytes(): number {
    return this.buffer.end - this.buffer.sent;
  }

  write(chunk: Uint8Array, fin: boolean): void {
    this.buffer.push(chunk);
    if (fin) this.#finQueued = true;
  }

  /** Something may be sent, were there credit enough. */
  get wantsToSend(): boolean {
    if (this.resetCode >= 0) return false;
    const buffer = this.buffer;
    return buffer.lost.count > 0 || this.#finLost || buffer.end > buffer.sent || (this.#finQueued && !this.#finSent);
  }

  /** There are new bytes, but the peer's limit for this stream is reached. */
  get isBlocked(): boolean {
    return this.resetCode < 0 && this.buffer.end > this.buffer.sent && this.buffer.sent >= this.limit;
  }

  /**
   * Picks what goes next: lost bytes first (RFC 9000 §13.3), then new ones as far as limits allow, then a FIN alone.
   *
   * @param credit new bytes that connection flow control allows
   */
  select(credit: number): boolean {
    const buffer = this.buffer;
    if (this.resetCode >= 0) return false;
    const lost = buffer.lost.count;
    if (lost > 0) {
      this.pickOffset = buffer.lost.low(lost - 1);
      this.pickLength = buffer.lost.high(lost - 1) - this.pickOffset + 1;
      return true;
    }
    this.pickOffset = buffer.sent;
    this.pickLength = Math.max(0, Math.min(buffer.end - buffer.sent, this.limit - buffer.sent, credit));
    return this.pickLength > 0 || this.#finLost || (this.#finQueued && !this.#finSent && buffer.sent === buffer.end);
  }

  /** A frame with these bytes must carry FIN. */
  finAt(end: number): boolean {
    return this.#finQueued && end === this.buffer.end;
  }

  onFrameSent(offset: number, length: number, fin: boolean): void {
    this.#begun = true;
    this.buffer.onSent(offset, length);
    if (!fin) return;
    this.#finSent = true;
    this.#finLost = false;
  }

  onBlockedSent(): void {
    this.#begun = true;
  }

  onFrameAcked(offset: number, length: number, fin: boolean): void {
    if (this.resetCode >= 0) return;
    if (fin && this.#finSent) {
      this.#finAcked = true;
      this.#finLost = false;
    }
    this.buffer.onAcked(offset, length);
  }

  /** @returns whether something is to be sent again */
  onFrameLost(offset: number, length: number, fin: boolean): boolean {
    if (this.resetCode >= 0) return false;
    const finLost = fin && this.#finSent && !this.#finAcked;
    if (finLost) this.#finLost = true;
    return this.buffer.onLost(offset, length) || finLost;
  }

  /** @returns whether RESET_STREAM is to be sent now, once */
  reset(code: number): boolean {
    if (this.resetCode >= 0 || this.isTerminal) return false;
    this.resetCode = code;
    this.finalSize = this.buffer.sent;
    this.buffer.discard();
    return true;
  }

  onResetWritten(): void {
    this.resetWritten = true;
  }

  onResetAcked(): void {
    if (this.resetCode >= 0) this.#resetAcked = true;
  }

  get resetWanted(): boolean {
    return this.resetCode >= 0 && !this.#resetAcked;
  }

  /** 0-RTT was rejected: as if nothing had been sent. @returns bytes that no longer count as sent */
  rewind(): number {
    const bytes = this.resetCode >= 0 ? this.finalSize : this.buffer.sent;
    this.finalSize = 0;
    this.blockedAt = -1;
    this.#begun = false;
    this.#finSent = false;
    this.#finLost = false;
    this.resetWritten = false;
    if (this.resetCode < 0) this.buffer.rewind();
    return bytes;
  }

  /** For another stream. */
  reuse(limit: number): void {
    this.buffer.reuse();
    this.limit = limit;
    this.resetCode = -1;
    this.finalSize = 0;
    this.blockedAt = -1;
    this.#begun = false;
    this.#finQueued = false;
    this.#finSent = false;
    this.#finLost = false;
    this.#finAcked = false;
    this.resetWritten = false;
    this.#resetAcked = false;
  }
}
