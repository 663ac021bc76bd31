import { type Abort, DATAGRAM_HEADROOM, type StreamSink } from '#protocol/http3/api.ts';
import { CAPSULE_QUEUE_BYTES, CapsuleType, encodeCapsule } from '#protocol/http3/capsules.ts';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import { Disposition, type FrameHandler, FrameParser } from '#protocol/http3/frame-parser.ts';
import type { HttpConnection } from '#protocol/http3/http-connection.ts';
import type { ResponseHead } from '#protocol/http3/message.ts';
import type { Fields } from '#protocol/qpack/field.ts';
import { MasqueError } from './errors.ts';
import { type Refusal, refusalFields } from './proxy-status.ts';

/** Free bytes in front of a payload that is sent: Quarter Stream ID and Context ID go there. */
export const TUNNEL_HEADROOM = DATAGRAM_HEADROOM + 1;

/** `waiting` for the response or for `accept`; `open`; `closed` for good. */
export type TunnelState = 'waiting' | 'open' | 'closed';

/** Why packets went nowhere. */
export interface TunnelCounters {
  /** Before the tunnel was open (RFC 9298 §5, RFC 9484 §7.1 let them be dropped). */
  early: number;
  /** Context IDs that nobody registered (RFC 9298 §5). */
  unknownContext: number;
  /** Larger than the tunnel takes. */
  tooLarge: number;
  /** Not sent: too large, queue full, or the tunnel is not open. */
  notSent: number;
}

/** Bytes that a client may send before the proxy has decided; kept until then. */
const HELD_BYTES = 16_384;
/** Capsules take any size; what goes on from the other end fits Ethernet. */
const CAPSULE_PAYLOAD_BYTES = 1500;
/** RFC 9297 §3.2: a response with these starts no capsules. */
const NO_CAPSULES: ReadonlySet<number> = new Set([204, 205, 206]);
const CONTENT_FIELDS: ReadonlySet<string> = new Set(['content-length', 'content-type', 'transfer-encoding']);

/** RFC 9297 §3.2: capsules exclude content. */
export const hasContentFields = (fields: Fields): boolean => fields.some(({ name }) => CONTENT_FIELDS.has(name));

export const CAPSULE_PROTOCOL = { name: 'capsule-protocol', value: '?1' } as const;

/** Where the datagram of a capsule lies for the time of a call. */
const UNPACKED = new Uint8Array(TUNNEL_HEADROOM + 65_535 + 8);

const EMPTY = new Uint8Array(0);

/**
 * What CONNECT-UDP and CONNECT-IP share, on either side: one request stream whose content is capsules (RFC 9297 §3),
 * HTTP Datagrams with a Context ID (RFC 9298 §4, RFC 9484 §5) of which 0 is the payload, and how the tunnel opens and
 * ends. Datagrams travel in DATAGRAM capsules when the peer takes no HTTP/3 Datagrams.
 */
export abstract class Tunnel implements StreamSink, FrameHandler {
  readonly http: HttpConnection;
  /** The request stream, -1 before it is opened. */
  stream = -1;
  readonly counters: TunnelCounters = { early: 0, unknownContext: 0, tooLarge: 0, notSent: 0 };
  #state: TunnelState = 'waiting';
  readonly #capsules: FrameParser = new FrameParser(this);
  /** Server: what came before `accept`. */
  #held: Uint8Array[] = [];
  #heldBytes = 0;
  #heldEnd = false;
  /** Client: the proxy wants nothing more from us, before it answered. */
  #stopped = false;

  constructor(http: HttpConnection) {
    this.http = http;
  }

  get state(): TunnelState {
    return this.#state;
  }

  /** The largest payload that is to go out at once now. */
  maxPayloadBytes(): number {
    const bytes = this.http.maxDatagramBytes(this.stream);
    return bytes > 0 ? bytes - 1 : CAPSULE_PAYLOAD_BYTES;
  }

  /**
   * Sends a payload in context 0. `TUNNEL_HEADROOM` bytes in front of `start` are overwritten.
   *
   * @returns false when it was dropped (counted)
   */
  send(buffer: Uint8Array, start: number, end: number): boolean {
    if (start < TUNNEL_HEADROOM) throw new MasqueError(Http3ErrorCode.internalError, 'local', 'no headroom');
    if (this.#state === 'open' || (this.#state === 'waiting' && !this.http.isServer)) {
      buffer[start - 1] = 0;
      if (this.http.maxDatagramBytes(this.stream) > 0) {
        if (this.http.sendDatagram(this.stream, buffer, start - 1, end)) return true;
      } else if (this.#sendInCapsule(buffer, start - 1, end)) return true;
    }
    this.counters.notSent++;
    return false;
  }

  /** Ends the tunnel from this side, cleanly. */
  close(): void {
    if (this.#state === 'closed') return;
    if (this.#state === 'open') this.http.sendBody(this.stream, EMPTY, true);
    else this.http.cancel(this.stream);
    this.#over({ by: 'local', code: Http3ErrorCode.noError, reason: 'closed' });
  }

  /** Ends it with an error code of RFC 9114 §8.1. */
  fail(code: number, reason: string): void {
    if (this.#state === 'closed') return;
    this.http.cancel(this.stream, code);
    this.#over({ by: 'local', code, reason });
  }

  /** Server: the tunnel is up. @param fields more of the response */
  accept(fields: Fields = []): void {
    if (this.#state !== 'waiting') return;
    this.#state = 'open';
    this.http.respond(this.stream, [{ name: ':status', value: '200' }, CAPSULE_PROTOCOL, ...fields], false);
    const held = this.#held;
    this.#held = [];
    for (const piece of held) this.#receive(piece, 0, piece.length);
    if (this.#heldEnd) this.end();
  }

  /** Server: there will be no tunnel (RFC 9209). @param proxy the name that this proxy goes by */
  refuse(proxy: string, refusal: Refusal): void {
    if (this.#state !== 'waiting') return;
    this.http.respond(this.stream, refusalFields(proxy, refusal), true);
    this.http.stopReading(this.stream);
    this.#over({ by: 'local', code: Http3ErrorCode.noError, reason: refusal.error });
  }

  // What the stream tells (`StreamSink`).

  response(_http: HttpConnection, _stream: number, head: ResponseHead): void {
    if (head.status < 200 || this.#state !== 'waiting') return;
    if (head.status >= 300) {
      this.refused(head);
      this.http.cancel(this.stream);
      this.#over({ by: 'remote', code: Http3ErrorCode.noError, reason: `refused with ${head.status}` });
    } else if (this.#stopped || NO_CAPSULES.has(head.status) || hasContentFields(head.fields)) {
      this.fail(Http3ErrorCode.messageError, 'response that cannot start capsules');
    } else {
      this.#state = 'open';
      this.opened(head);
    }
  }

  body(_http: HttpConnection, _stream: number, buffer: Uint8Array, start: number, end: number): void {
    if (this.#state === 'open') this.#receive(buffer, start, end);
    else if (this.#state === 'waiting') {
      this.#heldBytes += end - start;
      if (this.#heldBytes > HELD_BYTES) this.fail(Http3ErrorCode.excessiveLoad, 'too much before the answer');
      else this.#held.push(buffer.slice(start, end));
    } else this.http.consume(this.stream, end - start);
  }

  end(): void {
    if (this.#state === 'waiting') this.#heldEnd = true;
    if (this.#state !== 'open') return;
    // RFC 9297 §3.3: a truncated capsule makes the message malformed.
    if (!this.#capsules.atBoundary) this.fail(Http3ErrorCode.messageError, 'stream ends inside a capsule');
    else {
      this.http.sendBody(this.stream, EMPTY, true);
      this.#over({ by: 'remote', code: Http3ErrorCode.noError, reason: 'closed by the peer' });
    }
  }

  trailers(): void {
    // HTTP/3 refuses them in a tunnel (RFC 9114 §4.4).
  }

  aborted(_http: HttpConnection, _stream: number, abort: Abort): void {
    if (this.#state === 'closed') return;
    this.http.cancel(this.stream, abort.by === 'remote' ? Http3ErrorCode.requestCancelled : abort.code);
    this.#over(abort);
  }

  stopSending(_http: HttpConnection, _stream: number, code: number): void {
    // RFC 9114 §4.1: a proxy that refuses may stop us first; its response still counts.
    if (this.#state === 'waiting' && !this.http.isServer) this.#stopped = true;
    else this.aborted(this.http, this.stream, { by: 'remote', code, reason: 'stopped by the peer' });
  }

  datagram(_http: HttpConnection, _stream: number, buffer: Uint8Array, start: number, end: number): void {
    if (this.#state !== 'open') {
      if (this.#state === 'waiting') this.counters.early++;
      return;
    }
    if (start < end && buffer[start] === 0) this.payload(buffer, start + 1, end);
    else this.#otherContext(buffer, start, end);
  }

  writable(): void {
    // Nothing waits here.
  }

  closed(): void {
    this.#over({ by: 'remote', code: Http3ErrorCode.noError, reason: 'stream closed' });
  }

  // What the content tells (`FrameHandler`).

  frameStart(type: number, length: number): Disposition {
    if (type === CapsuleType.datagram) {
      // RFC 9297 §3.5: what cannot be used is not kept.
      if (length <= this.largestPayload + 8) return Disposition.collect;
      this.counters.tooLarge++;
      this.oversized(length);
      return Disposition.skip;
    }
    return this.capsuleStart(type, length);
  }

  framePiece(): void {
    // No capsule is passed on in pieces.
  }

  frame(type: number, buffer: Uint8Array, start: number, end: number): void {
    if (type === CapsuleType.datagram) {
      // Who hands it on writes in front of it, where the datagram before may still wait to be sent.
      UNPACKED.set(buffer.subarray(start, end), TUNNEL_HEADROOM);
      this.datagram(this.http, this.stream, UNPACKED, TUNNEL_HEADROOM, TUNNEL_HEADROOM + end - start);
    } else this.capsule(type, buffer, start, end);
  }

  /** Bytes of a payload at most. */
  protected abstract readonly largestPayload: number;
  /** A datagram in context 0; lent. */
  protected abstract payload(buffer: Uint8Array, start: number, end: number): void;
  /** Client: the proxy agreed. */
  protected abstract opened(head: ResponseHead): void;
  /** Client: it did not. `over` follows. */
  protected abstract refused(head: ResponseHead): void;
  /** The tunnel is closed, once. */
  protected abstract over(abort: Abort): void;
  /** A datagram capsule was larger than `largestPayload`. */
  protected abstract oversized(bytes: number): void;
  /** What to do with a capsule other than DATAGRAM; unknown ones are skipped (RFC 9297 §3.2). */
  protected abstract capsuleStart(type: number, length: number): Disposition;
  protected abstract capsule(type: number, buffer: Uint8Array, start: number, end: number): void;

  /** @returns false when the tunnel is not open */
  protected sendCapsule(type: number, ...parts: readonly Uint8Array[]): boolean {
    return this.#state === 'open' && this.http.sendBody(this.stream, encodeCapsule(type, ...parts), false);
  }

  #receive(buffer: Uint8Array, start: number, end: number): void {
    this.#capsules.push(buffer, start, end);
    this.http.consume(this.stream, end - start);
  }

  #otherContext(buffer: Uint8Array, start: number, end: number): void {
    const bytes = start < end ? 1 << ((buffer[start] as number) >>> 6) : 9;
    let isZero = start + bytes <= end && ((buffer[start] as number) & 0x3f) === 0;
    for (let i = 1; i < bytes && isZero; i++) isZero = buffer[start + i] === 0;
    // RFC 9000 §16: zero need not be in its shortest form.
    if (isZero) this.payload(buffer, start + bytes, end);
    else this.counters.unknownContext++;
  }

  #sendInCapsule(buffer: Uint8Array, start: number, end: number): boolean {
    if (this.#state !== 'open' || this.http.bufferedBytes(this.stream) > CAPSULE_QUEUE_BYTES) return false;
    return this.sendCapsule(CapsuleType.datagram, buffer.subarray(start, end));
  }

  #over(abort: Abort): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#capsules.stop();
    this.#held = [];
    this.over(abort);
  }
}
