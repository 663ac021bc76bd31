import { insertCountIncrement, sectionAcknowledgment, streamCancellation } from './decoder-stream.ts';
import { DynamicTable } from './dynamic-table.ts';
import { EncoderStreamReader } from './encoder-stream.ts';
import { decompressionFailed } from './errors.ts';
import type { Field } from './field.ts';
import { BLOCKED, DEFAULT_FIELD_LIMITS, type FieldLimits, FieldSectionDecoder } from './section-decoder.ts';

export interface DecoderOptions {
  readonly limits?: FieldLimits;
  /** Announced as SETTINGS_QPACK_MAX_TABLE_CAPACITY: bytes that the peer's entries may take here. */
  readonly tableCapacity: number;
  /** Announced as SETTINGS_QPACK_BLOCKED_STREAMS. */
  readonly blockedStreams: number;
  /** Takes an instruction for the decoder stream. Not called while the capacity is 0 (RFC 9204 §4.2). */
  readonly send: (instruction: Uint8Array) => void;
}

/** The decoder of a connection (RFC 9204 §2.2): its table, the sections that wait, and what the peer is told of both. */
export class QpackDecoder {
  readonly table: DynamicTable;
  readonly #options: DecoderOptions;
  readonly #sections: FieldSectionDecoder;
  readonly #instructions: EncoderStreamReader;
  /** Streams and the Required Insert Count that each waits for. */
  readonly #blocked = new Map<number, number>();
  #blockedTotal = 0;
  /** What the peer knows that we have (RFC 9204 §2.1.4). */
  #knownReceived = 0;

  constructor(options: DecoderOptions) {
    this.#options = options;
    this.table = new DynamicTable(options.tableCapacity);
    this.#sections = new FieldSectionDecoder(options.limits ?? DEFAULT_FIELD_LIMITS, this.table);
    this.#instructions = new EncoderStreamReader(this.table);
  }

  /** Field lines that were read from the dynamic table. */
  get references(): number {
    return this.#sections.references;
  }

  /** Sections that had to wait. */
  get blockedTotal(): number {
    return this.#blockedTotal;
  }

  /**
   * Decodes a section and acknowledges it. What is BLOCKED is to be decoded again once `unblocked` names its stream, and
   * nothing else of the stream before.
   *
   * @returns the fields in their order, or undefined when they exceed the limits: the stream is to be cancelled then
   * @throws QpackError QPACK_DECOMPRESSION_FAILED
   */
  decode(stream: number, buffer: Uint8Array, start: number, end: number): Field[] | typeof BLOCKED | undefined {
    const fields = this.#sections.decode(buffer, start, end);
    const { required } = this.#sections;
    if (fields === BLOCKED) {
      // RFC 9204 §2.1.2
      if (this.#blocked.size >= this.#options.blockedStreams) throw decompressionFailed('too many blocked streams');
      this.#blocked.set(stream, required);
      this.#blockedTotal++;
    } else if (fields !== undefined && required > 0) {
      // RFC 9204 §2.2.2.1, §2.1.4
      this.#options.send(sectionAcknowledgment(stream));
      this.#knownReceived = Math.max(this.#knownReceived, required);
    }
    return fields;
  }

  /** Bytes of the peer's encoder stream. @throws QpackError QPACK_ENCODER_STREAM_ERROR */
  receiveInstructions(buffer: Uint8Array, start: number, end: number): void {
    this.#instructions.push(buffer, start, end);
  }

  /** Streams that wait no longer, in the order in which they came to wait. Each is named once. */
  unblocked(): number[] {
    const streams: number[] = [];
    for (const [stream, required] of this.#blocked) {
      if (required > this.table.inserted) continue;
      this.#blocked.delete(stream);
      streams.push(stream);
    }
    return streams;
  }

  /**
   * Tells the peer of entries that no acknowledgment has told it of (RFC 9204 §2.2.2.3): called once for all that has
   * arrived together, when the sections that waited for it have been decoded.
   */
  acknowledgeInserts(): void {
    const { inserted } = this.table;
    if (inserted === this.#knownReceived) return;
    this.#options.send(insertCountIncrement(inserted - this.#knownReceived));
    this.#knownReceived = inserted;
  }

  /** No more of the stream will be read, though there may be more (RFC 9204 §2.2.2.2). */
  cancelStream(stream: number): void {
    this.#blocked.delete(stream);
    if (this.table.maxCapacity > 0) this.#options.send(streamCancellation(stream));
  }
}
