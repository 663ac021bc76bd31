import { QpackError, QpackErrorCode } from './errors.ts';
import { IntegerReader } from './integer.ts';

const encoderStreamError = (message: string): QpackError =>
  new QpackError(QpackErrorCode.encoderStreamError, 'remote', message);
const decoderStreamError = (message: string): QpackError =>
  new QpackError(QpackErrorCode.decoderStreamError, 'remote', message);

/**
 * The peer's encoder stream (RFC 9204 §4.3), cut anywhere. Our dynamic table has capacity 0: setting that again is all
 * the peer may do. The dynamic table will take the place of the refusals.
 */
export class EncoderStreamReader {
  readonly #integer = new IntegerReader();
  #pending = false;

  /** @throws QpackError QPACK_ENCODER_STREAM_ERROR */
  push(buffer: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at++) {
      const byte = buffer[at] as number;
      if (!this.#pending) {
        // RFC 9204 §4.3.1: 001; what else there is inserts or duplicates, and nothing fits into a table of no size.
        if ((byte & 0xe0) !== 0x20) throw encoderStreamError('insertion into a table of capacity 0');
        this.#pending = !this.#integer.begin(byte, 5);
      } else {
        // What is too large is no capacity of ours either.
        this.#pending = this.#integer.push(byte) === 0;
      }
      if (!this.#pending && this.#integer.value !== 0) throw encoderStreamError('capacity above our limit');
    }
  }
}

/**
 * The peer's decoder stream (RFC 9204 §4.4), cut anywhere. Our encoder inserts nothing, so there is nothing that could
 * be acknowledged; cancellations concern nobody.
 */
export class DecoderStreamReader {
  readonly #integer = new IntegerReader();
  #pending = false;

  /** @throws QpackError QPACK_DECODER_STREAM_ERROR */
  push(buffer: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at++) {
      const byte = buffer[at] as number;
      if (this.#pending) {
        const state = this.#integer.push(byte);
        if (state === -1) throw decoderStreamError('integer too large');
        this.#pending = state === 0;
      } else if ((byte & 0x80) !== 0) {
        throw decoderStreamError('acknowledgment of a section without dynamic references');
      } else if ((byte & 0x40) !== 0) {
        this.#pending = !this.#integer.begin(byte, 6);
      } else throw decoderStreamError('increment beyond what was inserted');
    }
  }
}
