import { remoteError, TransportError } from './errors.ts';
import { FrameType } from './wire/frames/frame-type.ts';

/** RFC 8446 §4: handshake types that QUIC forbids after the handshake. */
const CERTIFICATE_REQUEST = 13;
const KEY_UPDATE = 24;
const UNEXPECTED_MESSAGE = 10;
const PREFIX_BYTES = 4;

/** What TLS may not say in 1-RTT packets, whatever the library would make of it. Only types are read, nothing is kept. */
export class PostHandshake {
  /** Of the message at hand: bytes of type and length that came, its type, bytes of the body to come. */
  #prefix = 0;
  #type = 0;
  #left = 0;

  /** CRYPTO bytes in order. @throws QuicError remote */
  receive(buffer: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      if (this.#prefix < PREFIX_BYTES) this.#onPrefix(buffer[at++] as number);
      const skipped = this.#prefix === PREFIX_BYTES ? Math.min(this.#left, end - at) : 0;
      at += skipped;
      this.#left -= skipped;
      if (this.#prefix === PREFIX_BYTES && this.#left === 0) this.#prefix = 0;
    }
  }

  #onPrefix(byte: number): void {
    if (this.#prefix++ === 0) {
      this.#type = byte;
      this.#left = 0;
      this.#check();
    } else this.#left = this.#left * 256 + byte;
  }

  #check(): void {
    // RFC 9001 §4.4: who is asked could not tell what for.
    if (this.#type === CERTIFICATE_REQUEST) {
      throw remoteError(TransportError.protocolViolation, 'a certificate is asked for too late', FrameType.crypto);
    }
    // RFC 9001 §6: QUIC has key updates of its own.
    if (this.#type === KEY_UPDATE) {
      throw remoteError(TransportError.cryptoError + UNEXPECTED_MESSAGE, 'TLS KeyUpdate', FrameType.crypto);
    }
  }
}
