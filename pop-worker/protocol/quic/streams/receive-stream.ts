import { type QuicError, remoteError, TransportError } from '../errors.ts';
import { FrameType } from '../wire/frames/frame-type.ts';
import { type Clock, type ReceiveCredit, ReceiveWindow } from './flow-control.ts';
import { type BlockPool, type InOrderSink, Reassembly } from './reassembly.ts';

/** States of RFC 9000 §3.2, figure 3. */
export type ReceiveState = 'recv' | 'sizeKnown' | 'dataRecvd' | 'dataRead' | 'resetRecvd';

/** A connection's window should let one stream use its own, and others something besides. */
const CONNECTION_SHARE = 1.5;

/** Who takes the bytes. */
export interface ReceiveTarget {
  receiveData(id: number, buffer: Uint8Array, start: number, end: number, fin: boolean): void;
}

/**
 * The receiving part of a stream (RFC 9000 §3.2). It is over when its end was delivered and all of it consumed
 * ("Data Read"), or when it was reset ("Reset Recvd", which the application is told in the same call, so that "Reset
 * Read" follows at once), or, after our STOP_SENDING, when its final size is known.
 */
export class ReceiveStream implements InOrderSink {
  id = 0;
  readonly window: ReceiveWindow = new ReceiveWindow();
  /** Offset behind the highest byte received. */
  highest = 0;
  /** -1 while unknown (§4.5). */
  finalSize = -1;
  /** Code of our STOP_SENDING, -1 for none. */
  stopCode = -1;
  wasReset = false;

  readonly #credit: ReceiveCredit;
  readonly #clock: Clock;
  readonly #target: ReceiveTarget;
  readonly #reassembly: Reassembly;
  /** Whatever arrives is dropped and its credit returned. */
  #dropping = false;
  #finDelivered = false;

  constructor(credit: ReceiveCredit, clock: Clock, target: ReceiveTarget, pool: BlockPool) {
    this.#credit = credit;
    this.#clock = clock;
    this.#target = target;
    this.#reassembly = new Reassembly(pool);
  }

  /** For a new stream. */
  reuse(id: number, window: number, maxWindow: number): void {
    this.id = id;
    this.window.reuse(window, maxWindow, this.#clock.now);
    this.highest = 0;
    this.finalSize = -1;
    this.stopCode = -1;
    this.wasReset = false;
    this.#reassembly.reuse();
    this.#dropping = false;
    this.#finDelivered = false;
  }

  get state(): ReceiveState {
    if (this.wasReset) return 'resetRecvd';
    if (this.finalSize < 0) return 'recv';
    if (this.#reassembly.delivered < this.finalSize) return 'sizeKnown';
    return this.#finDelivered && this.window.consumed >= this.finalSize ? 'dataRead' : 'dataRecvd';
  }

  get isTerminal(): boolean {
    if (this.#dropping) return this.wasReset || this.finalSize >= 0;
    return this.finalSize >= 0 && this.#finDelivered && this.window.consumed >= this.finalSize;
  }

  /** Bytes delivered in order so far. */
  get delivered(): number {
    return this.#reassembly.delivered;
  }

  /** A STREAM frame. @throws QuicError remote */
  receive(offset: number, buffer: Uint8Array, start: number, end: number, fin: boolean): void {
    const behind = offset + (end - start);
    this.#checkSize(behind, fin, FrameType.stream);
    this.#admit(behind, FrameType.stream);
    if (fin) this.finalSize = behind;
    if (this.#dropping) {
      this.#release();
      return;
    }
    this.#reassembly.receive(offset, buffer, start, end, this);
    // The end may come alone.
    if (this.finalSize === this.#reassembly.delivered && !this.#finDelivered && !this.#dropping) {
      this.#finDelivered = true;
      this.#target.receiveData(this.id, buffer, end, end, true);
    }
  }

  deliver(buffer: Uint8Array, start: number, end: number): void {
    const fin = this.#reassembly.delivered === this.finalSize;
    if (fin) this.#finDelivered = true;
    this.#target.receiveData(this.id, buffer, start, end, fin);
  }

  /** RESET_STREAM. @returns whether the application should know @throws QuicError remote */
  reset(finalSize: number): boolean {
    this.#checkSize(finalSize, true, FrameType.resetStream);
    this.#admit(finalSize, FrameType.resetStream);
    const news = !this.wasReset && !this.#dropping && !this.#finDelivered;
    this.finalSize = finalSize;
    // §3.2: all data was received, so the reset may be withheld.
    if (this.#finDelivered) return false;
    this.wasReset = true;
    this.#drop();
    return news;
  }

  /** The application wants no more. @returns whether STOP_SENDING is to be sent (§3.5) */
  stop(code: number): boolean {
    if (this.stopCode >= 0 || this.wasReset) return false;
    const wanted = !this.#finDelivered && this.state !== 'dataRecvd';
    this.stopCode = code;
    this.#drop();
    return wanted;
  }

  /** STOP_SENDING still makes sense (§3.5). */
  get stopWanted(): boolean {
    return this.stopCode >= 0 && !this.wasReset && this.finalSize < 0;
  }

  /** More than was delivered, which is the caller's mistake. */
  exceeds(bytes: number): boolean {
    return !this.#dropping && this.window.consumed + bytes > this.#reassembly.delivered;
  }

  /** @returns whether MAX_STREAM_DATA is to be sent */
  consume(bytes: number): boolean {
    if (this.#dropping) return false;
    const { now, rttUs } = this.#clock;
    const before = this.window.window;
    const due = this.window.consume(bytes, now, rttUs);
    if (this.window.window > before && this.#credit.window.raiseTo(CONNECTION_SHARE * this.window.window)) {
      this.#credit.updateDue = true;
    }
    this.#credit.consume(bytes, now, rttUs);
    return due && this.limitWanted;
  }

  /** MAX_STREAM_DATA still makes sense (§3.3: only in "Recv"). */
  get limitWanted(): boolean {
    return !this.#dropping && this.finalSize < 0;
  }

  #checkSize(behind: number, isFinal: boolean, frameType: number): void {
    const known = this.finalSize >= 0;
    if (known && (behind > this.finalSize || (isFinal && behind !== this.finalSize))) throw finalSizeError(frameType);
    if (isFinal && behind < this.highest) throw finalSizeError(frameType);
  }

  #admit(behind: number, frameType: number): void {
    const growth = behind - this.highest;
    if (growth <= 0) return;
    if (behind > this.window.limit) throw flowControlError('a stream exceeds its limit', frameType);
    if (!this.#credit.admit(growth)) throw flowControlError('the connection exceeds its limit', frameType);
    this.highest = behind;
  }

  #drop(): void {
    this.#dropping = true;
    this.#reassembly.discard();
    this.#release();
  }

  /** §3.5, §4.5: what nobody will read still counts; its credit goes back at once. */
  #release(): void {
    const bytes = this.highest - this.window.consumed;
    if (bytes <= 0) return;
    this.window.consumed = this.highest;
    this.#credit.consume(bytes, this.#clock.now, this.#clock.rttUs);
  }
}

const finalSizeError = (frameType: number): QuicError =>
  remoteError(TransportError.finalSizeError, 'the final size of a stream changed', frameType);

const flowControlError = (message: string, frameType: number): QuicError =>
  remoteError(TransportError.flowControlError, message, frameType);
