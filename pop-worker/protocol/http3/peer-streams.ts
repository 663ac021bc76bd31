import { type ControlHandler, ControlStream } from './control-stream.ts';
import { Http3ErrorCode, remoteError } from './errors.ts';
import { StreamType } from './frames.ts';
import { VarintReader } from './varint.ts';

/** Reads one of the streams that last as long as the connection. */
export interface CriticalReader {
  push(buffer: Uint8Array, start: number, end: number): void;
}

/** Of the peer's QPACK streams. */
export interface QpackReaders {
  readonly encoderReader: CriticalReader;
  readonly decoderReader: CriticalReader;
}

/** The peer's unidirectional streams (RFC 9114 §6.2, RFC 9204 §4.2). */
export class PeerStreams {
  readonly #handler: ControlHandler;
  readonly #qpack: QpackReaders;
  readonly #stopSending: (stream: number, code: number) => void;
  /** Streams whose type is not complete. QUIC's limit bounds how many there are. */
  readonly #untyped = new Map<number, VarintReader>();
  readonly #critical = new Map<number, CriticalReader>();
  /** Of unknown type and told to stop. */
  readonly #ignored = new Set<number>();
  readonly #seenTypes = new Set<number>();

  constructor(handler: ControlHandler, qpack: QpackReaders, stopSending: (stream: number, code: number) => void) {
    this.#handler = handler;
    this.#qpack = qpack;
    this.#stopSending = stopSending;
  }

  /** @throws Http3Error or QpackError */
  data(stream: number, buffer: Uint8Array, start: number, end: number, fin: boolean): void {
    if (this.#ignored.has(stream)) return;
    let reader = this.#critical.get(stream);
    let at = start;
    if (reader === undefined) {
      at = this.#type(stream, buffer, start, end);
      reader = this.#critical.get(stream);
    }
    if (reader !== undefined) {
      reader.push(buffer, at, end);
      if (fin) this.#criticalClosed();
    }
  }

  /** @throws Http3Error H3_CLOSED_CRITICAL_STREAM */
  reset(stream: number): void {
    if (this.#critical.has(stream)) this.#criticalClosed();
  }

  forget(stream: number): void {
    this.#ignored.delete(stream);
    this.#untyped.delete(stream);
  }

  #criticalClosed(): never {
    throw remoteError(Http3ErrorCode.closedCriticalStream, 'critical stream closed');
  }

  /** @returns the offset behind the type, or `end` */
  #type(stream: number, buffer: Uint8Array, start: number, end: number): number {
    const varint = this.#untyped.get(stream) ?? new VarintReader();
    for (let at = start; at < end; at++) {
      if (!varint.push(buffer[at] as number)) continue;
      this.#untyped.delete(stream);
      this.#open(stream, varint.value);
      return at + 1;
    }
    this.#untyped.set(stream, varint);
    return end;
  }

  #open(stream: number, type: number): void {
    this.#handler.observer()?.streamType('remote', stream, type);
    switch (type) {
      case StreamType.control:
        this.#addCritical(stream, type, new ControlStream(this.#handler, stream));
        break;
      case StreamType.qpackEncoder:
        this.#addCritical(stream, type, this.#qpack.encoderReader);
        break;
      case StreamType.qpackDecoder:
        this.#addCritical(stream, type, this.#qpack.decoderReader);
        break;
      case StreamType.push:
        // RFC 9114 §6.2.2: clients never push. §4.6: and we never allow it.
        if (this.#handler.isServer) throw remoteError(Http3ErrorCode.streamCreationError, 'push from a client');
        throw remoteError(Http3ErrorCode.idError, 'push without MAX_PUSH_ID');
      default:
        // RFC 9114 §6.2: unknown types are not an error of any kind.
        this.#ignored.add(stream);
        this.#stopSending(stream, Http3ErrorCode.streamCreationError);
    }
  }

  #addCritical(stream: number, type: number, reader: CriticalReader): void {
    if (this.#seenTypes.has(type))
      throw remoteError(Http3ErrorCode.streamCreationError, `stream of type ${type} twice`);
    this.#seenTypes.add(type);
    this.#critical.set(stream, reader);
  }
}
