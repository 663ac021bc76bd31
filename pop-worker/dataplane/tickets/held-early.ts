import type { TimeUs } from '#protocol/contract.ts';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import type { CloseInfo, ConnectionSink, HandshakeInfo, QuicConnection } from '#protocol/quic/api.ts';

/** Bytes of streams that one connection may bring before its handshake is confirmed, and all of a thread. */
export const MOST_HELD_BYTES = 65_536;
export const MOST_ALL_BYTES = 1 << 24;
/** What an event takes besides its bytes. */
const EVENT_BYTES = 64;

/** What is held of all connections of a thread. */
export class HeldBytes {
  bytes = 0;
  /** DATAGRAM frames that came before a handshake was confirmed: no tunnel is open then. */
  droppedDatagrams = 0;

  get hasRoom(): boolean {
    return this.bytes < MOST_ALL_BYTES;
  }
}

/**
 * Holds what comes as early data until the handshake is confirmed: a copy of somebody's early data, whose sender never
 * gets that far, has no effect (RFC 8470, RFC 9001 §9.2). A server hears nothing else before, so all else passes at once.
 */
export class HeldEarly implements ConnectionSink {
  readonly #inner: ConnectionSink;
  readonly #all: HeldBytes;
  #held: (() => void)[] | undefined = [];
  #bytes = 0;

  constructor(inner: ConnectionSink, all: HeldBytes) {
    this.#inner = inner;
    this.#all = all;
  }

  #take(quic: QuicConnection, bytes: number, event: () => void): void {
    if (this.#held === undefined) {
      event();
      return;
    }
    this.#bytes += bytes + EVENT_BYTES;
    this.#all.bytes += bytes + EVENT_BYTES;
    if (this.#bytes <= MOST_HELD_BYTES) this.#held.push(event);
    else quic.close(Http3ErrorCode.excessiveLoad, `more than ${MOST_HELD_BYTES} bytes of early data`);
  }

  #letGo(): void {
    this.#all.bytes -= this.#bytes;
    this.#bytes = 0;
    this.#held = undefined;
  }

  handshakeComplete(quic: QuicConnection, info: HandshakeInfo): void {
    this.#inner.handshakeComplete(quic, info);
  }

  handshakeConfirmed(quic: QuicConnection): void {
    const held = this.#held ?? [];
    this.#letGo();
    this.#inner.handshakeConfirmed(quic);
    for (const event of held) event();
  }

  streamData(quic: QuicConnection, id: number, buffer: Uint8Array, start: number, end: number, fin: boolean): void {
    if (this.#held === undefined) this.#inner.streamData(quic, id, buffer, start, end, fin);
    else {
      const bytes = buffer.slice(start, end);
      this.#take(quic, bytes.length, () => this.#inner.streamData(quic, id, bytes, 0, bytes.length, fin));
    }
  }

  streamReset(quic: QuicConnection, id: number, code: number): void {
    this.#take(quic, 0, () => this.#inner.streamReset(quic, id, code));
  }

  streamStopSending(quic: QuicConnection, id: number, code: number): void {
    this.#take(quic, 0, () => this.#inner.streamStopSending(quic, id, code));
  }

  streamWritable(quic: QuicConnection, id: number): void {
    this.#take(quic, 0, () => this.#inner.streamWritable(quic, id));
  }

  streamClosed(quic: QuicConnection, id: number): void {
    this.#take(quic, 0, () => this.#inner.streamClosed(quic, id));
  }

  streamsAvailable(quic: QuicConnection, bidirectional: boolean): void {
    this.#take(quic, 0, () => this.#inner.streamsAvailable(quic, bidirectional));
  }

  datagram(quic: QuicConnection, buffer: Uint8Array, start: number, end: number): void {
    if (this.#held === undefined) this.#inner.datagram(quic, buffer, start, end);
    else this.#all.droppedDatagrams++;
  }

  datagramWritable(quic: QuicConnection): void {
    this.#take(quic, 0, () => this.#inner.datagramWritable(quic));
  }

  ticket(quic: QuicConnection, data: Uint8Array): void {
    this.#inner.ticket(quic, data);
  }

  closed(quic: QuicConnection, info: CloseInfo, now: TimeUs): void {
    this.#letGo();
    this.#inner.closed(quic, info, now);
  }
}
