import type { Fields } from '#protocol/qpack/field.ts';
import type { CloseInfo } from '#protocol/quic/api.ts';
import type { Abort, Http3Sink } from '../api.ts';
import type { Http3Connection } from '../connection.ts';
import type { RequestHead, ResponseHead } from '../message.ts';
import type { Http3Settings } from '../settings.ts';

/** What a stream had to say: pieces of content joined, so that it does not depend on how the bytes were cut. */
export interface StreamLog {
  request?: RequestHead;
  responses: ResponseHead[];
  body: string;
  trailers?: Fields;
  datagrams: string[];
  ended: boolean;
  aborted?: Abort;
  stopped?: number;
  closed: boolean;
}

/** Writes down everything; returns credit for content at once. */
export class Recorder implements Http3Sink {
  readonly streams = new Map<number, StreamLog>();
  peer: Http3Settings | undefined;
  goawayAt: number | undefined;
  drainedTimes = 0;
  closedWith: CloseInfo | undefined;
  available = 0;
  /** Called for each request, after it was written down. */
  onRequest: (http3: Http3Connection, stream: number, head: RequestHead) => void = () => {};
  onResponse: (http3: Http3Connection, stream: number, head: ResponseHead) => void = () => {};
  onEnd: (http3: Http3Connection, stream: number) => void = () => {};
  onSettings: (http3: Http3Connection) => void = () => {};

  log(stream: number): StreamLog {
    const known = this.streams.get(stream) ?? { responses: [], body: '', datagrams: [], ended: false, closed: false };
    this.streams.set(stream, known);
    return known;
  }

  handshakeComplete(): void {}
  handshakeConfirmed(): void {}
  ticket(): void {}
  writable(): void {}
  datagramWritable(): void {}

  settings(http3: Http3Connection, settings: Http3Settings): void {
    this.peer = settings;
    this.onSettings(http3);
  }

  request(http3: Http3Connection, stream: number, head: RequestHead): void {
    this.log(stream).request = head;
    this.onRequest(http3, stream, head);
  }

  response(http3: Http3Connection, stream: number, head: ResponseHead): void {
    this.log(stream).responses.push(head);
    this.onResponse(http3, stream, head);
  }

  body(http3: Http3Connection, stream: number, buffer: Uint8Array, start: number, end: number): void {
    this.log(stream).body += Buffer.from(buffer.subarray(start, end)).toString('latin1');
    http3.consume(stream, end - start);
  }

  trailers(_http3: Http3Connection, stream: number, fields: Fields): void {
    this.log(stream).trailers = fields;
  }

  end(http3: Http3Connection, stream: number): void {
    this.log(stream).ended = true;
    this.onEnd(http3, stream);
  }

  aborted(_http3: Http3Connection, stream: number, abort: Abort): void {
    this.log(stream).aborted = abort;
  }

  stopSending(_http3: Http3Connection, stream: number, code: number): void {
    this.log(stream).stopped = code;
  }

  datagram(_http3: Http3Connection, stream: number, buffer: Uint8Array, start: number, end: number): void {
    this.log(stream).datagrams.push(Buffer.from(buffer.subarray(start, end)).toString('latin1'));
  }

  closed(_http3: Http3Connection, stream: number): void {
    this.log(stream).closed = true;
  }

  goaway(_http3: Http3Connection, firstRejected: number): void {
    this.goawayAt = firstRejected;
  }

  drained(): void {
    this.drainedTimes++;
  }

  streamsAvailable(): void {
    this.available++;
  }

  connectionClosed(_http3: Http3Connection, info: CloseInfo): void {
    this.closedWith = info;
  }
}
