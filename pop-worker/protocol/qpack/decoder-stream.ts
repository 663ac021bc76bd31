import { decoderStreamError } from './errors.ts';
import { IntegerReader, MAX_INTEGER_BYTES, writeInteger } from './integer.ts';

/** What the peer's decoder tells our encoder. */
export interface DecoderEvents {
  /** @throws QpackError QPACK_DECODER_STREAM_ERROR when none is outstanding */
  sectionAcknowledged(stream: number): void;
  streamCancelled(stream: number): void;
  /** @throws QpackError QPACK_DECODER_STREAM_ERROR for 0, and for more than was sent */
  insertsReceived(increment: number): void;
}

/** Patterns of RFC 9204 §4.4 and the bits of the integer behind them. */
const ACKNOWLEDGMENT = 0x80;
const CANCELLATION = 0x40;

/** Reads the peer's decoder stream (RFC 9204 §4.4), cut anywhere. */
export class DecoderStreamReader {
  readonly #events: DecoderEvents;
  readonly #integer = new IntegerReader();
  #pattern = 0;
  #pending = false;

  constructor(events: DecoderEvents) {
    this.#events = events;
  }

  /** @throws QpackError QPACK_DECODER_STREAM_ERROR */
  push(buffer: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at++) {
      const byte = buffer[at] as number;
      if (this.#pending) {
        const state = this.#integer.push(byte);
        if (state === -1) throw decoderStreamError('integer too large');
        this.#pending = state === 0;
      } else {
        this.#pattern = byte >= ACKNOWLEDGMENT ? ACKNOWLEDGMENT : byte & CANCELLATION;
        this.#pending = !this.#integer.begin(byte, this.#pattern === ACKNOWLEDGMENT ? 7 : 6);
      }
      if (!this.#pending) this.#tell(this.#integer.value);
    }
  }

  #tell(value: number): void {
    if (this.#pattern === ACKNOWLEDGMENT) this.#events.sectionAcknowledged(value);
    else if (this.#pattern === CANCELLATION) this.#events.streamCancelled(value);
    else this.#events.insertsReceived(value);
  }
}

const instruction = (flags: number, prefixBits: number, value: number): Uint8Array => {
  const out = new Uint8Array(MAX_INTEGER_BYTES);
  return out.slice(0, writeInteger(out, 0, flags, prefixBits, value));
};

/** Section Acknowledgment (RFC 9204 §4.4.1). */
export const sectionAcknowledgment = (stream: number): Uint8Array => instruction(ACKNOWLEDGMENT, 7, stream);

/** Stream Cancellation (RFC 9204 §4.4.2). */
export const streamCancellation = (stream: number): Uint8Array => instruction(CANCELLATION, 6, stream);

/** Insert Count Increment (RFC 9204 §4.4.3). */
export const insertCountIncrement = (increment: number): Uint8Array => instruction(0, 6, increment);
