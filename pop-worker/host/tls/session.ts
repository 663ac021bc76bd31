import type { Level, TlsEvent, TlsSession } from '#protocol/quic/ports.ts';
import { native } from '../native.ts';
import { decodeEvents } from './events.ts';
import type { TlsSessionHandle } from './native.ts';

const NOTHING = new Uint8Array();

export interface SessionHooks {
  /**
   * A resumed client sent early data, and TLS itself has nothing against it. Defence against replay (RFC 8446 §8) and
   * policy belong here. It runs inside of `receive`: it must not use the session, and what it throws leaves `receive`.
   *
   * @param ticketData what `setTicketData` put into the ticket, empty if nothing
   */
  readonly acceptEarlyData?: ((ticketData: Uint8Array) => boolean) | undefined;
  readonly keyLog?: ((line: string) => void) | undefined;
}

/**
 * A handshake by OpenSSL, on the calling thread. Besides the port's own:
 *
 * - At most 64 KiB of handshake bytes are taken at a level before 1-RTT, and 64 KiB may wait at any; more is alert 80.
 * - Bytes for a level whose turn has not come wait; bytes for one that has passed are alert 10.
 * - After an alert the session is dead: `receive` does nothing, `exporter` throws if the handshake was not complete.
 */
export class OpensslSession implements TlsSession {
  readonly #handle: TlsSessionHandle;
  readonly #hooks: SessionHooks;
  readonly #events: TlsEvent[] = [];
  #ticketData: Uint8Array = NOTHING;

  /** @param start whether the handshake begins here (a client's) */
  constructor(handle: TlsSessionHandle, hooks: SessionHooks, start: boolean) {
    this.#handle = handle;
    this.#hooks = hooks;
    if (start) this.receive(0, NOTHING);
  }

  receive(level: Level, data: Uint8Array): void {
    this.#take(native.tlsReceive(this.#handle, level, data, this.#hooks.acceptEarlyData));
  }

  next(): TlsEvent | undefined {
    return this.#events.shift();
  }

  exporter(label: string, context: Uint8Array, length: number): Uint8Array {
    return native.tlsExporter(this.#handle, label, context, length);
  }

  /** What the server had put into the ticket by which this session was resumed; empty if nothing or not resumed. */
  get ticketData(): Uint8Array {
    return this.#ticketData;
  }

  /** Puts up to 4096 bytes into the tickets that are made from now on; the client cannot read them (server only). */
  setTicketData(data: Uint8Array): void {
    native.tlsTicketData(this.#handle, data);
  }

  /** Makes one more ticket, once the handshake is complete and before `release` (server only). */
  issueTicket(): void {
    this.#take(native.tlsIssueTicket(this.#handle));
  }

  /**
   * Frees OpenSSL's part once the handshake is complete and confirmed. `exporter` goes on to work. A server then takes
   * further handshake bytes for an error (alert 10); a client ignores them, tickets as well.
   */
  release(): void {
    native.tlsRelease(this.#handle);
  }

  close(): void {
    this.#events.length = 0;
    native.tlsClose(this.#handle);
  }

  #take(packed: Uint8Array | undefined): void {
    if (packed === undefined) return;
    for (const event of decodeEvents(packed)) {
      if (event.type === 'key-log') this.#hooks.keyLog?.(event.line);
      else if (event.type === 'ticket-data') this.#ticketData = event.data;
      else this.#events.push(event);
    }
  }
}
