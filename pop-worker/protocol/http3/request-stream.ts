import type { Field, Fields } from '#protocol/qpack/field.ts';
import { BLOCKED } from '#protocol/qpack/section-decoder.ts';
import { varintLength, writeVarint } from '#protocol/quic/wire/varint.ts';
import type { StreamSink } from './api.ts';
import type { Http3Connection } from './connection.ts';
import { Http3ErrorCode } from './errors.ts';
import type { FieldCoding } from './field-coding.ts';
import { contentLength } from './field-rules.ts';
import { Disposition, type FrameHandler, FrameParser } from './frame-parser.ts';
import { checkOtherFrameOnRequest, FrameType, frameUnexpected } from './frames.ts';
import { HeldStream } from './held-stream.ts';
import { checkTrailers, parseRequest, parseResponse, type RequestHead } from './message.ts';

/** What a request stream needs of its connection. */
export interface StreamOwner {
  readonly http3: Http3Connection;
  readonly isServer: boolean;
  /** We understand :protocol. */
  readonly extendedConnect: boolean;
  readonly coding: FieldCoding;
  readonly maxFieldSectionBytes: number;
  request(stream: RequestStream, head: RequestHead): void;
  /** A stream error (RFC 9114 §8): both directions end with this code. */
  abandon(stream: RequestStream, code: number, reason: string): void;
  /** The field section is more than we take (RFC 9114 §4.2.2). */
  tooLarge(stream: RequestStream): void;
  consume(stream: RequestStream, bytes: number): void;
}

/** Where the message that we receive is (RFC 9114 §4.1). */
const Receiving = { head: 0, body: 1, trailers: 2, over: 3 } as const;
type Receiving = (typeof Receiving)[keyof typeof Receiving];

/** Where the message that we send is. */
export const Sending = { head: 0, body: 1, over: 2 } as const;
export type Sending = (typeof Sending)[keyof typeof Sending];

/** One request and its response (RFC 9114 §4.1): the frames that arrive, and how far we are with what we send. */
export class RequestStream implements FrameHandler {
  readonly id: number;
  /** The Quarter Stream ID, ready to be put before a datagram (RFC 9297 §2.1). */
  readonly quarter: Uint8Array;
  sink: StreamSink;
  /** The application knows of this stream. */
  announced: boolean;
  sending: Sending = Sending.head;
  /** Of the request; decides what its response may hold. */
  method = '';
  /** An Extended CONNECT, so HTTP Datagrams have a meaning (RFC 9297 §2). */
  datagrams = false;

  readonly #owner: StreamOwner;
  readonly #parser: FrameParser = new FrameParser(this);
  #receiving: Receiving = Receiving.head;
  /** Only DATA from here on (RFC 9114 §4.4). */
  #tunnel = false;
  #contentLength = -1;
  #mayHaveContent = true;
  #bodyBytes = 0;
  #delivered = 0;
  /** While a section waits for entries of the dynamic table (RFC 9204 §2.2.1). */
  #held: HeldStream | undefined;

  constructor(owner: StreamOwner, id: number, sink: StreamSink) {
    this.#owner = owner;
    this.id = id;
    this.sink = sink;
    this.announced = !owner.isServer;
    this.quarter = new Uint8Array(varintLength(id / 4));
    writeVarint(this.quarter, 0, id / 4);
  }

  get receivingOver(): boolean {
    return this.#receiving === Receiving.over;
  }

  /** The request or response head is in, so datagrams can be told apart from those that came too early. */
  get begun(): boolean {
    return this.#receiving !== Receiving.head || !this.#owner.isServer;
  }

  /** Nothing of the message counts any more, whether or not it is complete. */
  stopReceiving(): void {
    if (this.receivingOver) return;
    this.#over();
    this.#release();
    this.#owner.coding.cancel(this.id);
  }

  /** @throws Http3Error or QpackError, errors of the connection */
  receive(buffer: Uint8Array, start: number, end: number, fin: boolean): void {
    if (this.receivingOver) return;
    if (this.#held !== undefined) this.#hold(this.#held, buffer, start, end, fin);
    else this.#read(buffer, start, end, fin);
  }

  #read(buffer: Uint8Array, start: number, end: number, fin: boolean): void {
    const delivered = this.#delivered;
    const at = this.#parser.push(buffer, start, end);
    if (this.#parser.stopped) return;
    const overhead = at - start - (this.#delivered - delivered);
    const held = this.#held as HeldStream | undefined;
    if (held !== undefined) {
      held.owed = overhead;
      this.#hold(held, buffer, at, end, fin);
      return;
    }
    if (overhead > 0) this.#owner.consume(this, overhead);
    if (fin) this.#finish();
  }

  /** The entries that a section waited for are there. @throws Http3Error or QpackError, errors of the connection */
  resume(): void {
    const held = this.#held as HeldStream;
    const { section } = held;
    const fields = this.#owner.coding.decode(this, section, 0, section.length);
    if (fields === BLOCKED) return;
    this.#release();
    this.#parser.resume();
    if (held.owed > 0) this.#owner.consume(this, held.owed);
    this.#section(fields, section.length);
    for (const piece of held.behind.take()) this.receive(piece, 0, piece.length, false);
    if (held.fin) this.receive(section, 0, 0, true);
  }

  frameStart(type: number, length: number): Disposition {
    if (type === FrameType.data) return this.#dataStart(length);
    if (type === FrameType.headers) return this.#headersStart(length);
    this.#owner.http3.observer?.other(this.id, type, length);
    checkOtherFrameOnRequest(type, this.#owner.isServer);
    return Disposition.skip;
  }

  framePiece(buffer: Uint8Array, start: number, end: number): void {
    this.#delivered += end - start;
    this.sink.body(this.#owner.http3, this.id, buffer, start, end);
  }

  frame(_type: number, buffer: Uint8Array, start: number, end: number): void {
    const fields = this.#owner.coding.decode(this, buffer, start, end);
    if (fields !== BLOCKED) this.#section(fields, end - start);
    else if (this.#mayHold(end - start)) {
      this.#held = new HeldStream(buffer.slice(start, end));
      this.#parser.pause();
    }
  }

  /** @param bytes that it took in its frame */
  #section(fields: Field[] | undefined, bytes: number): void {
    if (fields !== undefined) this.#owner.http3.observer?.headers('remote', this.id, fields, bytes);
    if (fields === undefined) this.#owner.tooLarge(this);
    else if (this.#receiving === Receiving.body) this.#trailers(fields);
    else if (this.#owner.isServer) this.#request(fields);
    else this.#response(fields);
  }

  #dataStart(length: number): Disposition {
    this.#owner.http3.observer?.data('remote', this.id, length);
    if (this.#receiving !== Receiving.body) throw frameUnexpected('DATA outside of content');
    this.#bodyBytes += length;
    // Without waiting for the bytes: their number is wrong whatever they are (RFC 9114 §4.1.2).
    if (!this.#mayHaveContent && length > 0) return this.#malformed('content where there is never any');
    if (this.#contentLength >= 0 && this.#bodyBytes > this.#contentLength)
      return this.#malformed('more than content-length');
    return Disposition.pass;
  }

  #headersStart(length: number): Disposition {
    if (this.#receiving === Receiving.trailers) throw frameUnexpected('HEADERS behind trailers');
    if (this.#tunnel) throw frameUnexpected('HEADERS in a tunnel');
    if (length <= this.#owner.maxFieldSectionBytes) return Disposition.collect;
    this.#owner.tooLarge(this);
    return Disposition.skip;
  }

  #request(fields: Field[]): void {
    const head = parseRequest(fields, this.#owner.extendedConnect);
    if (typeof head === 'string') return void this.#malformed(head);
    this.method = head.method;
    this.#tunnel = head.method === 'CONNECT';
    if (!this.#tunnel && !this.#takeContentLength(head.fields)) return;
    this.datagrams = head.protocol !== undefined;
    this.announced = true;
    this.#receiving = Receiving.body;
    this.#owner.request(this, head);
  }

  #response(fields: Field[]): void {
    const head = parseResponse(fields);
    if (typeof head === 'string') return void this.#malformed(head);
    if (head.status >= 200) {
      // RFC 9110 §9.3.6: whatever Content-Length says, a tunnel follows.
      this.#tunnel = this.method === 'CONNECT' && head.status < 300;
      this.#mayHaveContent = this.#tunnel || !(this.method === 'HEAD' || head.status === 204 || head.status === 304);
      if (this.#mayHaveContent && !this.#tunnel && !this.#takeContentLength(head.fields)) return;
      this.#receiving = Receiving.body;
    }
    this.sink.response(this.#owner.http3, this.id, head);
  }

  #trailers(fields: Field[]): void {
    const wrong = checkTrailers(fields);
    if (wrong !== undefined) return void this.#malformed(wrong);
    this.#receiving = Receiving.trailers;
    this.sink.trailers(this.#owner.http3, this.id, fields);
  }

  #takeContentLength(fields: Fields): boolean {
    const length = contentLength(fields);
    if (typeof length === 'string') {
      this.#malformed(length);
      return false;
    }
    this.#contentLength = length;
    return true;
  }

  #finish(): void {
    this.#parser.finish();
    if (this.#receiving === Receiving.head) {
      // RFC 9114 §4.1: not even a head arrived.
      const code = this.#owner.isServer ? Http3ErrorCode.requestIncomplete : Http3ErrorCode.messageError;
      this.#owner.abandon(this, code, 'stream ended before the message began');
    } else if (this.#contentLength >= 0 && this.#bodyBytes !== this.#contentLength) {
      this.#malformed('less than content-length');
    } else {
      this.#over();
      this.sink.end(this.#owner.http3, this.id);
    }
  }

  #over(): void {
    this.#receiving = Receiving.over;
    this.#parser.stop();
  }

  #hold(held: HeldStream, buffer: Uint8Array, start: number, end: number, fin: boolean): void {
    if (!this.#mayHold(end - start)) return;
    held.behind.add(buffer, start, end);
    held.fin = fin;
  }

  #mayHold(bytes: number): boolean {
    if (this.#owner.coding.hold(bytes)) return true;
    this.#owner.abandon(this, Http3ErrorCode.excessiveLoad, 'too much waits for entries of the dynamic table');
    return false;
  }

  #release(): void {
    this.#owner.coding.release(this.#held?.bytes ?? 0);
    this.#held = undefined;
  }

  #malformed(reason: string): Disposition {
    this.#owner.abandon(this, Http3ErrorCode.messageError, reason);
    return Disposition.skip;
  }
}
