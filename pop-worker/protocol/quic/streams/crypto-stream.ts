import { remoteError, TransportError } from '../errors.ts';
import { FrameKind } from '../recovery/frame-kind.ts';
import { cryptoRoom, writeCryptoHeader } from '../wire/frames/crypto.ts';
import { FrameType } from '../wire/frames/frame-type.ts';
import type { FrameLog } from './frame-log.ts';
import { BlockPool, type InOrderSink, Reassembly } from './reassembly.ts';
import { SendBuffer } from './send-buffer.ts';

const DEFAULT_BUFFER_BYTES = 65_536;
/** A shorter piece of longer data is not worth a frame. */
const LEAST_PIECE = 16;

/** In-order CRYPTO bytes; lent for the call. */
export type CryptoDeliver = (buffer: Uint8Array, start: number, end: number) => void;

/** The CRYPTO stream of one encryption level, both directions (RFC 9000 §7.5, §19.6). */
export class CryptoStream implements InOrderSink {
  readonly #deliver: CryptoDeliver;
  readonly #maxBufferedBytes: number;
  #outgoing: SendBuffer = new SendBuffer();
  #isClosed = false;
  readonly #incoming: Reassembly = new Reassembly(new BlockPool());

  /** @param maxBufferedBytes how far beyond the delivered bytes the peer may send; at least 4096 (RFC 9000 §7.5) */
  constructor(deliver: CryptoDeliver, maxBufferedBytes: number = DEFAULT_BUFFER_BYTES) {
    this.#deliver = deliver;
    this.#maxBufferedBytes = maxBufferedBytes;
  }

  /** Queues bytes by reference. */
  write(data: Uint8Array): void {
    this.#outgoing.push(data);
  }

  /** Something waits to be sent (again). */
  get pending(): boolean {
    return this.#outgoing.lost.count > 0 || this.#outgoing.end > this.#outgoing.sent;
  }

  /** Writes one CRYPTO frame and notes it. @returns the offset behind it, `at` when nothing fits or is pending */
  writeFrame(buffer: Uint8Array, at: number, end: number, log: FrameLog): number {
    const outgoing = this.#outgoing;
    const lost = outgoing.lost.count;
    const offset = lost > 0 ? outgoing.lost.low(lost - 1) : outgoing.sent;
    const available = lost > 0 ? outgoing.lost.high(lost - 1) + 1 - offset : outgoing.end - offset;
    if (available === 0) return at;
    const length = Math.min(available, cryptoRoom(end - at, offset));
    if (length < Math.min(available, LEAST_PIECE)) return at;
    const next = writeCryptoHeader(buffer, at, offset, length);
    outgoing.copyInto(buffer, next, offset, length);
    outgoing.onSent(offset, length);
    log.frame(FrameKind.crypto, offset, length, 0);
    return next + length;
  }

  frameAcked(offset: number, length: number): void {
    this.#outgoing.onAcked(offset, length);
  }

  /** Also for probes. */
  frameLost(offset: number, length: number): void {
    this.#outgoing.onLost(offset, length);
  }

  /** After Retry, or when Initial must be sent from the start: everything unacknowledged is pending again. */
  resend(): void {
    this.#outgoing.onLost(0, this.#outgoing.sent);
  }

  /** What was to be sent is of a handshake that is given up. */
  restart(): void {
    this.#outgoing = new SendBuffer();
  }

  /**
   * Its level is over: what came before may come again, nothing else (RFC 9001 §4.1.3).
   *
   * @throws QuicError remote PROTOCOL_VIOLATION when bytes wait behind a gap
   */
  close(): void {
    this.#isClosed = true;
    if (this.#incoming.hasGap) throw beyondItsLevel();
  }

  /** @throws QuicError remote CRYPTO_BUFFER_EXCEEDED, PROTOCOL_VIOLATION */
  receive(offset: number, buffer: Uint8Array, start: number, end: number): void {
    if (this.#isClosed && offset + (end - start) > this.#incoming.delivered) throw beyondItsLevel();
    if (offset + (end - start) > this.#incoming.delivered + this.#maxBufferedBytes) {
      throw remoteError(TransportError.cryptoBufferExceeded, 'too much CRYPTO data ahead of a gap', FrameType.crypto);
    }
    this.#incoming.receive(offset, buffer, start, end, this);
  }

  deliver(buffer: Uint8Array, start: number, end: number): void {
    this.#deliver(buffer, start, end);
  }
}

const beyondItsLevel = () =>
  remoteError(TransportError.protocolViolation, 'CRYPTO data goes on when its level is over', FrameType.crypto);
