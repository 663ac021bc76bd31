import type { Level, TlsEvent, TlsSession } from '#protocol/quic/ports.ts';
import { native } from '../native.ts';
import { decodeEvents } from './events.ts';
import type { DeskClient, HandshakeDesk } from './handshake-desk.ts';
import type { TlsSessionHandle } from './native.ts';

const NOTHING = new Uint8Array();
/** RFC 8446 §6.2 */
const INTERNAL_ERROR = 80;
const NO_HOOKS: SessionHooks = {};

export interface SessionHooks {
  /**
   * A resumed client sent early data, and TLS itself has nothing against it. Defence against replay (RFC 8446 §8) and
   * policy belong here. It runs inside of `receive` or, where a handshake thread asks, before `ready`: it must not use the
   * session, and what it throws leaves `receive` or `next`.
   *
   * @param ticket 16 bytes that no other ticket has, then what `setTicketData` put into it
   */
  readonly acceptEarlyData?: ((ticket: Uint8Array) => boolean) | undefined;
  readonly keyLog?: ((line: string) => void) | undefined;
}

/** Where the work is done, if not on the calling thread, and who is told that it is. */
export interface Elsewhere {
  readonly desk: HandshakeDesk;
  readonly ready: (now: number) => void;
}

/** What may come while the session is away. */
const MOST_HELD_BYTES = 65_536;

/**
 * A handshake by OpenSSL, on the calling thread or, of a server, on a handshake thread. Besides the port's own:
 *
 * - At most 64 KiB of handshake bytes are taken at a level before 1-RTT, and 64 KiB may wait at any; more is alert 80.
 * - Bytes for a level whose turn has not come wait; bytes for one that has passed are alert 10.
 * - After an alert the session is dead: `receive` does nothing, `exporter` throws if the handshake was not complete.
 */
export class OpensslSession implements TlsSession, DeskClient {
  readonly #handle: TlsSessionHandle;
  #hooks: SessionHooks;
  #elsewhere: Elsewhere | undefined;
  readonly #events: TlsEvent[] = [];
  #ticketData: Uint8Array = NOTHING;
  #scope = 0;
  /** A ticket that is wanted while the session is away. */
  #wanted: Uint8Array | undefined;
  #isAway = false;
  #closed = false;
  #released = false;
  /** Came while the session was away. */
  #held: { readonly level: Level; readonly data: Uint8Array }[] = [];
  #heldBytes = 0;
  #fault: { readonly error: unknown } | undefined;

  /** @param start whether the handshake begins here (a client's) */
  constructor(handle: TlsSessionHandle, hooks: SessionHooks, start: boolean, elsewhere?: Elsewhere) {
    this.#handle = handle;
    this.#hooks = hooks;
    this.#elsewhere = elsewhere;
    if (start) this.receive(0, NOTHING);
  }

  receive(level: Level, data: Uint8Array): void {
    if (this.#isAway) this.#hold(level, data);
    else if (!this.#handOver(level, data)) {
      this.#take(native.tlsReceive(this.#handle, level, data, this.#hooks.acceptEarlyData));
    }
  }

  #handOver(level: Level, data: Uint8Array): boolean {
    if (this.#elsewhere === undefined || this.#closed) return false;
    this.#isAway = this.#elsewhere.desk.handOver(this.#handle, level, data, this);
    return this.#isAway;
  }

  #hold(level: Level, data: Uint8Array): void {
    if (this.#closed) return;
    this.#heldBytes += data.length;
    if (this.#heldBytes <= MOST_HELD_BYTES) this.#held.push({ level, data });
  }

  back(now: number): void {
    const elsewhere = this.#elsewhere;
    this.#isAway = false;
    if (this.#closed) {
      native.tlsClose(this.#handle);
      return;
    }
    this.#take(native.tlsEvents(this.#handle));
    if (this.#heldBytes > MOST_HELD_BYTES) {
      this.#events.push({ type: 'alert', code: INTERNAL_ERROR, reason: 'too many handshake bytes at once' });
    } else this.#goOn();
    elsewhere?.ready(now);
  }

  #goOn(): void {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    if (wanted !== undefined) this.giveTicket(wanted);
    if (this.#released) this.release();
    else this.#resume();
  }

  /** Goes on with what came meanwhile: what is answered at once is, the rest waits for the next time. */
  #resume(): void {
    for (let next = this.#held.shift(); next !== undefined; next = this.#held.shift()) {
      this.#heldBytes -= next.data.length;
      this.receive(next.level, next.data);
      if (this.#isAway) return;
    }
  }

  asked(): boolean {
    const { acceptEarlyData } = this.#hooks;
    try {
      return !this.#closed && (acceptEarlyData === undefined || acceptEarlyData(native.tlsAsked(this.#handle)));
    } catch (error) {
      this.#fault = { error };
      return false;
    }
  }

  /** @throws what the hook threw, if that was not called inside of `receive` */
  next(): TlsEvent | undefined {
    const fault = this.#fault;
    this.#fault = undefined;
    if (fault !== undefined) throw fault.error;
    return this.#events.shift();
  }

  exporter(label: string, context: Uint8Array, length: number): Uint8Array {
    return native.tlsExporter(this.#handle, label, context, length);
  }

  /** What the server had put into the ticket by which this session was resumed; empty if nothing or not resumed. */
  get ticketData(): Uint8Array {
    return this.#ticketData;
  }

  /**
   * Puts up to 4096 bytes into the tickets that are made from now on; the client cannot read them (server only).
   *
   * @param scope bytes of them that a ticket must begin with as well: another one is as good as none
   */
  setTicketData(data: Uint8Array, scope = 0): void {
    this.#scope = scope;
    native.tlsTicketData(this.#handle, data, scope);
  }

  giveTicket(context: Uint8Array): void {
    if (this.#closed) return;
    if (this.#isAway) {
      this.#wanted = context;
      return;
    }
    this.setTicketData(context, this.#scope);
    this.issueTicket();
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
    this.#released = true;
    if (this.#isAway) return;
    this.#elsewhere = undefined;
    this.#hooks = NO_HOOKS;
    native.tlsRelease(this.#handle);
  }

  close(): void {
    this.#events.length = 0;
    this.#closed = true;
    this.#held = [];
    native.tlsClose(this.#handle);
  }

  #take(packed: Uint8Array | undefined): void {
    if (packed === undefined) return;
    for (const event of decodeEvents(packed)) {
      if (event.type === 'key-log') this.#hooks.keyLog?.(event.line);
      else if (event.type === 'ticket-data') this.#ticketData = event.data;
      else if (event.type === 'complete' && this.#ticketData.length > 0)
        this.#events.push({ ...event, ticketContext: this.#ticketData });
      else this.#events.push(event);
    }
  }
}
