import { EventEmitter } from 'node:events';
import type { CloseInfo, ConnectionSink, HandshakeInfo, QuicConnection } from '#protocol/quic/api.ts';
import { Batches, type StreamPiece } from './batches.ts';
import { WebDatagrams } from './datagrams.ts';
import { QuicConnectionError } from './errors.ts';
import { type SavedSession, savedSession } from './saved-session.ts';
import { type BidirectionalStream, WebStream } from './streams.ts';

/** Events of a session, with what their listeners are given. */
export interface SessionEvents {
  /** The handshake is confirmed (RFC 9001 §4.1.2): what early data asked for may take effect. */
  confirmed: [];
  /** A client may resume with this. */
  ticket: [SavedSession];
  close: [CloseInfo];
}

/** How the streams of a session are read and written: as Web Streams, or in batches with their numbers. */
export type StreamMode = 'web' | 'batches';

export const STREAM_MODES: readonly StreamMode[] = ['web', 'batches'];

/** Streams of the other side that wait to be taken, of each kind; more are refused and counted. */
export const MAX_WAITING_STREAMS = 1024;

const isBidirectional = (stream: number): boolean => (stream & 2) === 0;
const openedByServer = (stream: number): boolean => (stream & 1) === 1;

/**
 * One QUIC connection. Its streams are Web Streams, in the shape of a WebTransport session; or, with `streams: 'batches'`,
 * lists of what each turn of the event loop brought: one promise a turn instead of one a piece.
 */
export class QuicSession extends EventEmitter<SessionEvents> {
  /** Rejects with `QuicConnectionError` when there will be none. */
  readonly ready: Promise<HandshakeInfo>;
  /** Resolves however it ends. */
  readonly closed: Promise<CloseInfo>;
  readonly datagrams: WebDatagrams;
  readonly incomingBidirectionalStreams: ReadableStream<BidirectionalStream>;
  readonly incomingUnidirectionalStreams: ReadableStream<ReadableStream<Uint8Array>>;
  /** What came before may be somebody's copy of early data (RFC 8470); once this is true it is not. */
  isConfirmed = false;
  /** Streams of the other side that came while `MAX_WAITING_STREAMS` waited to be taken. */
  refusedStreams = 0;
  /** @internal What QUIC tells. */
  readonly sink: ConnectionSink;
  readonly #ready = Promise.withResolvers<HandshakeInfo>();
  readonly #closed = Promise.withResolvers<CloseInfo>();
  readonly #streams = new Map<number, WebStream>();
  readonly #batches: Batches | undefined;
  /** Who waits for the other side to allow another stream. */
  readonly #waiting: (() => void)[] = [];
  #connection: QuicConnection | undefined;
  #bidirectional!: ReadableStreamDefaultController<BidirectionalStream>;
  #unidirectional!: ReadableStreamDefaultController<ReadableStream<Uint8Array>>;
  #over: QuicConnectionError | undefined;

  /** @internal Sessions come from `connectQuic` and `listenQuic`. */
  constructor(mode: StreamMode) {
    super();
    this.ready = this.#ready.promise;
    this.closed = this.#closed.promise;
    this.ready.catch(() => {});
    this.datagrams = new WebDatagrams(() => this.quic);
    this.#batches =
      mode === 'batches'
        ? new Batches({
            consume: (stream, bytes) => this.quic.consume(stream, bytes),
            overflow: () => this.close({ reason: 'nobody takes what the streams bring' }),
          })
        : undefined;
    const waiting = new CountQueuingStrategy({ highWaterMark: MAX_WAITING_STREAMS });
    this.incomingBidirectionalStreams = new ReadableStream(
      {
        start: (controller) => {
          this.#bidirectional = controller;
        },
      },
      waiting,
    );
    this.incomingUnidirectionalStreams = new ReadableStream(
      {
        start: (controller) => {
          this.#unidirectional = controller;
        },
      },
      waiting,
    );
    this.sink = this.#makeSink();
  }

  /** The connection itself, for what is not here: priorities, STOP_SENDING, writing without a copy. */
  get quic(): QuicConnection {
    if (this.#connection === undefined) throw new Error('the connection has not begun');
    return this.#connection;
  }

  /** @internal */
  begin(connection: QuicConnection): this {
    this.#connection = connection;
    return this;
  }

  /** Waits until the other side allows one more. @throws QuicConnectionError when the connection is over */
  async createBidirectionalStream(): Promise<BidirectionalStream> {
    return this.#webStream(await this.openStream(true), true).bidirectional;
  }

  /** As `createBidirectionalStream`; the other side only reads. */
  async createUnidirectionalStream(): Promise<WritableStream<Uint8Array>> {
    return this.#webStream(await this.openStream(false), true).writable;
  }

  /** The number of a new stream, for `quic.write`; with `streams: 'batches'` its answer comes in `batches()`. */
  async openStream(bidirectional: boolean): Promise<number> {
    for (;;) {
      if (this.#over !== undefined) throw this.#over;
      const stream = this.quic.openStream(bidirectional);
      if (stream >= 0) return stream;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /**
   * What streams bring, all of a turn of the event loop in one list. Asking for the next list gives the sender credit for
   * the one before. Ends with the connection.
   */
  batches(): AsyncIterable<readonly StreamPiece[]> {
    if (this.#batches === undefined) throw new Error("batches need the option `streams: 'batches'`");
    return this.#batches;
  }

  close({ closeCode = 0, reason = '' }: { closeCode?: number; reason?: string } = {}): void {
    this.#connection?.close(closeCode, reason);
  }

  #webStream(id: number, isOurs: boolean): WebStream {
    const both = isBidirectional(id);
    const stream = new WebStream(this.quic, id, { reads: both || !isOurs, writes: both || isOurs });
    this.#streams.set(id, stream);
    return stream;
  }

  /** The stream, which the other side may have opened just now. */
  #incoming(id: number): WebStream | undefined {
    const known = this.#streams.get(id);
    if (known !== undefined || openedByServer(id) === this.quic.isServer) return known;
    const both = isBidirectional(id);
    if (((both ? this.#bidirectional : this.#unidirectional).desiredSize ?? 0) <= 0) {
      this.#refuse(id);
      return undefined;
    }
    const stream = this.#webStream(id, false);
    if (both) this.#bidirectional.enqueue(stream.bidirectional);
    else this.#unidirectional.enqueue(stream.readable);
    return stream;
  }

  /** Streams that are over at once do not count for the peer's limit, but each would wait here. */
  #refuse(id: number): void {
    this.refusedStreams++;
    this.quic.stopSending(id, 0);
    if (isBidirectional(id)) this.quic.reset(id, 0);
  }

  #makeSink(): ConnectionSink {
    const batches = this.#batches;
    const retry = (): void => {
      for (const resolve of this.#waiting.splice(0)) resolve();
    };
    return {
      handshakeComplete: (connection, info) => {
        this.#connection = connection;
        this.#ready.resolve(info);
      },
      handshakeConfirmed: () => {
        this.isConfirmed = true;
        this.emit('confirmed');
      },
      streamData: (connection, id, buffer, start, end, fin) => {
        this.#connection = connection;
        const bytes = buffer.subarray(start, end);
        if (batches === undefined) this.#incoming(id)?.received(bytes, fin);
        else batches.received(id, bytes, fin);
      },
      streamReset: (_connection, id, code) => {
        if (batches === undefined) this.#incoming(id)?.wasReset(code);
        else batches.wasReset(id, code);
      },
      streamStopSending: (_connection, id, code) => this.#streams.get(id)?.wasStopped(code),
      streamWritable: (_connection, id) => this.#streams.get(id)?.mayWrite(),
      streamClosed: (_connection, id) => void this.#streams.delete(id),
      streamsAvailable: retry,
      datagram: (_connection, buffer, start, end) => this.datagrams.received(buffer.subarray(start, end)),
      datagramWritable: () => this.datagrams.mayWrite(),
      ticket: (connection, data) => {
        const saved = savedSession(connection, data);
        if (saved !== undefined) this.emit('ticket', saved);
      },
      closed: (_connection, info) => {
        this.#end(info);
        retry();
      },
    };
  }

  #end(info: CloseInfo): void {
    const error = new QuicConnectionError(info);
    this.#over = error;
    this.#ready.reject(error);
    for (const stream of this.#streams.values()) stream.fail(error);
    this.#streams.clear();
    this.datagrams.fail(error);
    this.#bidirectional.close();
    this.#unidirectional.close();
    this.#batches?.end();
    this.#closed.resolve(info);
    this.emit('close', info);
  }
}
