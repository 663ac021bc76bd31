import { QpackDecoder } from '#protocol/qpack/decoder.ts';
import { QpackEncoder } from '#protocol/qpack/encoder.ts';
import type { Field, Fields } from '#protocol/qpack/field.ts';
import { BLOCKED, type FieldLimits } from '#protocol/qpack/section-decoder.ts';
import type { QuicConnection } from '#protocol/quic/api.ts';
import { CriticalOutput } from './critical-output.ts';
import { type Http3Error, Http3ErrorCode, remoteError } from './errors.ts';
import { StreamType } from './frames.ts';
import { headersFrame } from './outgoing.ts';
import type { CriticalReader } from './peer-streams.ts';
import type { Http3Settings } from './settings.ts';

/** What header compression may take on a connection (RFC 9204 §7.3). */
export interface QpackLimits {
  /** Bytes of a dynamic table, ours and the peer's each. 0: static table only. */
  readonly tableBytes: number;
  /** Streams that may wait for entries, either way. */
  readonly blockedStreams: number;
  /** Bytes that are kept of all streams that wait; a stream that brings more is given up. */
  readonly heldBytes: number;
}

export const DEFAULT_QPACK_LIMITS: QpackLimits = { tableBytes: 4096, blockedStreams: 16, heldBytes: 262_144 };

/** Decoder instructions that the peer does not read, after which it is no longer served. */
const MAX_UNREAD_INSTRUCTIONS = 16_384;

/** What was done so far; entries and references both ways. */
export interface QpackCounters {
  /** Entries that the peer put into our decoder's table, and that our encoder put into the peer's. */
  readonly inserted: { readonly received: number; readonly sent: number };
  /** Field lines that were a reference to an entry. */
  readonly references: { readonly received: number; readonly sent: number };
  /** Sections that had to wait for entries. */
  readonly blockedSections: number;
  /** Bytes in use now. */
  readonly bytes: { readonly received: number; readonly sent: number; readonly held: number };
}

/** A stream whose next section waits for entries. */
interface Blocked {
  readonly id: number;
  /** The entries are there. */
  resume(): void;
}

/** Field sections on a connection: QPACK's encoder and decoder, their streams, and who waits for entries. */
export class FieldCoding {
  readonly #encoder: QpackEncoder;
  readonly #decoder: QpackDecoder;
  readonly #encoderStream: CriticalOutput;
  readonly #decoderStream: CriticalOutput;
  readonly #blocked = new Map<number, Blocked>();
  readonly #heldLimit: number;
  readonly #fail: (error: Http3Error) => void;
  #held = 0;
  #over = false;

  /** @param fail an error of the connection that may come at any time */
  constructor(quic: QuicConnection, fields: FieldLimits, limits: QpackLimits, fail: (error: Http3Error) => void) {
    this.#fail = fail;
    this.#heldLimit = limits.heldBytes;
    this.#encoderStream = new CriticalOutput(quic, StreamType.qpackEncoder);
    this.#decoderStream = new CriticalOutput(quic, StreamType.qpackDecoder);
    this.#encoder = new QpackEncoder({
      tableCapacity: limits.tableBytes,
      blockedStreams: limits.blockedStreams,
      output: { send: (bytes) => this.#encoderStream.write(bytes), waiting: () => this.#encoderStream.waiting },
    });
    this.#decoder = new QpackDecoder({
      limits: fields,
      tableCapacity: limits.tableBytes,
      blockedStreams: limits.tableBytes === 0 ? 0 : limits.blockedStreams,
      send: (bytes) => this.#instruct(bytes),
    });
  }

  get counters(): QpackCounters {
    const { table } = this.#decoder;
    return {
      inserted: { received: table.inserted, sent: this.#encoder.inserted },
      references: { received: this.#decoder.references, sent: this.#encoder.references },
      blockedSections: this.#decoder.blockedTotal,
      bytes: { received: table.size, sent: this.#encoder.tableBytes, held: this.#held },
    };
  }

  /** Reads the peer's encoder stream; streams that wait for what it brings go on. */
  readonly encoderReader: CriticalReader = {
    push: (buffer, start, end) => {
      this.#decoder.receiveInstructions(buffer, start, end);
      for (const id of this.#decoder.unblocked()) {
        // What happens on one stream may end another.
        const stream = this.#blocked.get(id);
        this.#blocked.delete(id);
        stream?.resume();
      }
      if (!this.#over) this.#decoder.acknowledgeInserts();
    },
  };

  /** Reads the peer's decoder stream. */
  get decoderReader(): CriticalReader {
    return this.#encoder.acknowledgments;
  }

  peerSettings({ qpackMaxTableCapacity, qpackBlockedStreams }: Http3Settings): void {
    this.#encoder.start(qpackMaxTableCapacity, qpackBlockedStreams);
  }

  /** A HEADERS frame for that stream, which is to be sent now. */
  headers(stream: number, fields: Fields): Uint8Array {
    return headersFrame(fields, (out, at) => this.#encoder.encode(stream, fields, out, at));
  }

  /**
   * As `QpackDecoder.decode`; a stream that is BLOCKED is resumed.
   *
   * @throws QpackError
   */
  decode(stream: Blocked, buffer: Uint8Array, start: number, end: number): Field[] | typeof BLOCKED | undefined {
    const fields = this.#decoder.decode(stream.id, buffer, start, end);
    if (fields === BLOCKED) this.#blocked.set(stream.id, stream);
    return fields;
  }

  /** The rest of the stream will not be read (RFC 9204 §2.2.2.2). */
  cancel(stream: number): void {
    this.#blocked.delete(stream);
    if (!this.#over) this.#decoder.cancelStream(stream);
  }

  /** @returns false when a stream that waits must not keep so many more bytes */
  hold(bytes: number): boolean {
    if (this.#held + bytes > this.#heldLimit) return false;
    this.#held += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#held -= bytes;
  }

  /** The peer allows more streams. */
  flush(): void {
    this.#encoderStream.flush();
    this.#decoderStream.flush();
  }

  isOurs(stream: number): boolean {
    return stream === this.#encoderStream.stream || stream === this.#decoderStream.stream;
  }

  /** The connection is over. */
  stop(): void {
    this.#over = true;
    this.#blocked.clear();
  }

  #instruct(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#decoderStream.write(bytes);
    if (this.#decoderStream.waiting > MAX_UNREAD_INSTRUCTIONS)
      this.#fail(remoteError(Http3ErrorCode.excessiveLoad, 'decoder stream is not read'));
  }
}
