import assert from 'node:assert/strict';
import type { CloseInfo, ConnectionSink, QuicConnection } from '#protocol/quic/api.ts';
import { Half } from './memory-half.ts';

export interface MemoryLimits {
  /** Bytes a stream may have outstanding. */
  readonly streamWindow: number;
  /** Bytes all streams of a direction may have outstanding together. */
  readonly connectionWindow: number;
  readonly bidirectionalStreams: number;
  readonly unidirectionalStreams: number;
  /** 0: the peer takes none. */
  readonly datagramBytes: number;
  /** Datagrams that may wait. */
  readonly datagramQueue: number;
}

export const ROOMY: MemoryLimits = {
  streamWindow: 65_536,
  connectionWindow: 262_144,
  bidirectionalStreams: 100,
  unidirectionalStreams: 3,
  datagramBytes: 1200,
  datagramQueue: 64,
};

/** A stream as both ends see it. */
export interface MemoryStream {
  readonly id: number;
  /** By the sender: 0 the client's, 1 the server's. A unidirectional stream has one. */
  readonly halves: readonly [Half | undefined, Half | undefined];
  readonly told: [boolean, boolean];
}

/** State that the two ends share. */
export interface Wire {
  readonly limits: MemoryLimits;
  readonly streams: Map<number, MemoryStream>;
  /** Streams on which something may be ready. */
  readonly active: Set<number>;
  /** Streams that wait for the connection's window. */
  readonly blocked: Set<number>;
}

const EMPTY_CLOSE: CloseInfo = { by: 'local', application: true, code: 0, reason: '' };

/**
 * One end of a QUIC connection in memory. It is strict where a real one may be lenient: a command on a stream that is
 * closed, or credit for bytes never handed over, fails the test.
 */
export class MemoryQuic implements QuicConnection {
  readonly isServer: boolean;
  readonly wire: Wire;
  sink!: ConnectionSink;
  readonly datagrams: Uint8Array[] = [];
  datagramsRefused = false;
  window: number;
  closing: CloseInfo | undefined;
  closedTold = false;
  /** Streams opened by this end and over, so that the limit moves. */
  readonly opened = { bidirectional: 0, unidirectional: 0 };
  readonly allowed: { bidirectional: number; unidirectional: number };
  refused = { bidirectional: false, unidirectional: false };

  constructor(isServer: boolean, wire: Wire) {
    this.isServer = isServer;
    this.wire = wire;
    this.window = wire.limits.connectionWindow;
    this.allowed = {
      bidirectional: wire.limits.bidirectionalStreams,
      unidirectional: wire.limits.unidirectionalStreams,
    };
  }

  get side(): 0 | 1 {
    return this.isServer ? 1 : 0;
  }

  exporter(): Uint8Array {
    throw new Error('there is no TLS');
  }

  maxDatagramBytes(): number {
    return this.wire.limits.datagramBytes;
  }

  openStream(bidirectional: boolean): number {
    const kind = bidirectional ? 'bidirectional' : 'unidirectional';
    if (this.closing !== undefined) return -1;
    if (this.opened[kind] >= this.allowed[kind]) {
      this.refused[kind] = true;
      return -1;
    }
    const id = this.opened[kind]++ * 4 + (bidirectional ? 0 : 2) + this.side;
    const half = (side: 0 | 1) =>
      bidirectional || side === this.side ? new Half(this.wire.limits.streamWindow) : undefined;
    this.wire.streams.set(id, { id, halves: [half(0), half(1)], told: [false, false] });
    return id;
  }

  write(stream: number, chunk: Uint8Array, fin: boolean): void {
    if (this.closing !== undefined) return;
    const half = this.#sending(stream);
    assert.ok(!half.fin, `write behind the end of stream ${stream}`);
    if (half.resetCode >= 0) return;
    half.push(chunk);
    half.fin = fin;
    this.wire.active.add(stream);
  }

  bufferedBytes(stream: number): number {
    return this.#sending(stream).buffered;
  }

  reset(stream: number, code: number): void {
    if (this.closing !== undefined) return;
    const half = this.#sending(stream);
    if (half.resetCode >= 0 || half.finDelivered) return;
    half.resetCode = code;
    half.chunks.length = 0;
    half.buffered = 0;
    this.wire.active.add(stream);
  }

  stopSending(stream: number, code: number): void {
    if (this.closing !== undefined) return;
    const half = this.#receiving(stream);
    if (half.stopCode >= 0) return;
    half.stopCode = code;
    this.giveBack(half, half.unconsumed);
    this.wire.active.add(stream);
  }

  consume(stream: number, bytes: number): void {
    if (this.closing !== undefined) return;
    const half = this.#receiving(stream);
    if (half.stopCode >= 0) return;
    assert.ok(bytes > 0 && bytes <= half.unconsumed, `credit for ${bytes} bytes, handed over were ${half.unconsumed}`);
    this.giveBack(half, bytes);
    this.wire.active.add(stream);
  }

  setPriority(stream: number): void {
    this.#sending(stream);
  }

  sendDatagram(buffer: Uint8Array, start: number, end: number): boolean {
    if (this.closing !== undefined || end - start > this.wire.limits.datagramBytes) return false;
    if (this.datagrams.length >= this.wire.limits.datagramQueue) {
      this.datagramsRefused = true;
      return false;
    }
    this.datagrams.push(buffer.slice(start, end));
    return true;
  }

  /** There is no TLS. */
  lastTicket(): void {}

  datagramRoom(): number {
    return (this.wire.limits.datagramQueue - this.datagrams.length) * this.wire.limits.datagramBytes;
  }

  close(code: number, reason: string): void {
    this.closing ??= { ...EMPTY_CLOSE, code, reason };
  }

  /** The receiver of a half returns credit to its sender. */
  giveBack(half: Half, bytes: number): void {
    half.unconsumed -= bytes;
    half.window += bytes;
    this.peerWindow(bytes);
    for (const id of this.wire.blocked) this.wire.active.add(id);
    this.wire.blocked.clear();
  }

  /** Set by the pair: credit goes to the other end's window. */
  peerWindow: (bytes: number) => void = () => {};

  #sending(stream: number): Half {
    const half = this.wire.streams.get(stream)?.halves[this.side];
    assert.ok(half !== undefined, `stream ${stream} cannot be sent on`);
    return half;
  }

  #receiving(stream: number): Half {
    const half = this.wire.streams.get(stream)?.halves[1 - this.side];
    assert.ok(half !== undefined, `stream ${stream} cannot be received on`);
    return half;
  }
}
