import { Level, type TlsEvent, type TlsSession } from '../ports.ts';
import { extensionOf, messageLength, TRANSPORT_PARAMETERS_EXTENSION } from './client-hello.ts';

/** A ClientHello that is longer goes to TLS as it is. */
const MAX_HELLO_BYTES = 32_768;
const NOTHING = new Uint8Array();

/**
 * A server's TLS that begins when the ClientHello is whole: which version of QUIC it is for, and so which transport
 * parameters the server declares, depends on those of the client (RFC 9368 §2.3).
 */
export class LateTls implements TlsSession {
  /** Let go of when it has done its work: it knows all that the connection began with. */
  #make: ((parameters: Uint8Array | undefined) => TlsSession) | undefined;
  #hello: Uint8Array = NOTHING;
  /** Bytes of it that are there. */
  #length = 0;
  #session: TlsSession | undefined;
  #closed = false;

  /** @param make is given the client's transport parameters, encoded; undefined when they cannot be found */
  constructor(make: (parameters: Uint8Array | undefined) => TlsSession) {
    this.#make = make;
  }

  receive(level: Level, data: Uint8Array): void {
    if (this.#closed) return;
    if (this.#make === undefined) {
      this.#session?.receive(level, data);
      return;
    }
    const joined = this.#join(data);
    const length = messageLength(joined);
    const isWhole = length >= 0 && joined.length >= length;
    if (!isWhole && joined.length <= MAX_HELLO_BYTES && length <= MAX_HELLO_BYTES) return;
    const parameters = isWhole ? extensionOf(joined.subarray(0, length), TRANSPORT_PARAMETERS_EXTENSION) : undefined;
    this.#session = this.#make(parameters);
    this.#make = undefined;
    this.#hello = NOTHING;
    this.#session.receive(Level.initial, joined);
  }

  /** Room doubles, so that a ClientHello in pieces of a byte costs no more than twice its length. @returns all so far */
  #join(data: Uint8Array): Uint8Array {
    const length = this.#length + data.length;
    if (length > this.#hello.length) {
      const grown = new Uint8Array(this.#length === 0 ? length : 2 * length);
      grown.set(this.#hello.subarray(0, this.#length));
      this.#hello = grown;
    }
    this.#hello.set(data, this.#length);
    this.#length = length;
    return this.#hello.subarray(0, length);
  }

  next(): TlsEvent | undefined {
    return this.#session?.next();
  }

  exporter(label: string, context: Uint8Array, length: number): Uint8Array {
    if (this.#session === undefined) throw new Error('there is no keying material before a handshake');
    return this.#session.exporter(label, context, length);
  }

  giveTicket(context: Uint8Array): void {
    this.#session?.giveTicket(context);
  }

  release(): void {
    this.#session?.release();
  }

  close(): void {
    this.#closed = true;
    this.#session?.close();
  }
}
