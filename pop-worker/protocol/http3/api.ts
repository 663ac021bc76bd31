import type { Fields } from '#protocol/qpack/field.ts';
import type { FieldLimits } from '#protocol/qpack/section-decoder.ts';
import type { CloseInfo, HandshakeInfo } from '#protocol/quic/api.ts';
import type { TimeUs } from '../contract.ts';
import type { Http3Connection } from './connection.ts';
import type { QpackLimits } from './field-coding.ts';
import type { HttpConnection } from './http-connection.ts';
import type { RequestHead, ResponseHead } from './message.ts';
import type { Http3Observer } from './observer.ts';
import type { Http3Settings } from './settings.ts';

/** Why a message ended before its end. */
export interface Abort {
  /** `remote`: the peer reset its side. `local`: we gave up, because the message was malformed or not acceptable. */
  readonly by: 'local' | 'remote';
  /** RFC 9114 §8.1, as sent or received. */
  readonly code: number;
  readonly reason: string;
}

/**
 * What happens on one request stream. A stream starts with the connection's sink and may be given another one
 * (`HttpConnection.attach`). Buffers are lent for the time of the call. Commands may be given from inside any of these.
 */
export interface StreamSink {
  /** Client only: an interim (1xx) or the final response. */
  response(http: HttpConnection, stream: number, head: ResponseHead): void;
  /** A piece of content. Its flow-control credit comes back by `HttpConnection.consume`. */
  body(http: HttpConnection, stream: number, buffer: Uint8Array, start: number, end: number): void;
  trailers(http: HttpConnection, stream: number, fields: Fields): void;
  /** The message is complete and well-formed. */
  end(http: HttpConnection, stream: number): void;
  /** …or there is no more of it to come. */
  aborted(http: HttpConnection, stream: number, abort: Abort): void;
  /** The peer does not want more of what we send; our side has been reset with the same code. */
  stopSending(http: HttpConnection, stream: number, code: number): void;
  /** The payload of an HTTP Datagram (RFC 9297 §2.1), behind the Quarter Stream ID. */
  datagram(http: HttpConnection, stream: number, buffer: Uint8Array, start: number, end: number): void;
  /** All that was queued on the stream has been sent once. */
  writable(http: HttpConnection, stream: number): void;
  /** The stream's number means nothing from now on. The last call for a stream. */
  closed(http: HttpConnection, stream: number): void;
}

/** What happens on a connection. */
export interface Http3Sink extends StreamSink {
  handshakeComplete(http3: Http3Connection, info: HandshakeInfo): void;
  /** What early data asked for may take effect now (RFC 8470). */
  handshakeConfirmed(http3: Http3Connection): void;
  /** The peer's SETTINGS arrived. A client may use Extended CONNECT from now on, if they say so. */
  settings(http3: Http3Connection, settings: Http3Settings): void;
  /** Server only. `body`, `trailers`, `end` follow. */
  request(http3: Http3Connection, stream: number, head: RequestHead): void;
  /**
   * The peer goes away (RFC 9114 §5.2): no new requests. Requests on streams from `firstRejected` on were not
   * processed and may be tried elsewhere; they are aborted with H3_REQUEST_REJECTED before this call.
   */
  goaway(http3: Http3Connection, firstRejected: number): void;
  /** After `shutdown`: no request is left. The connection may be closed with H3_NO_ERROR. */
  drained(http3: Http3Connection): void;
  /** More requests may be opened. */
  streamsAvailable(http3: Http3Connection): void;
  datagramWritable(http3: Http3Connection): void;
  ticket(http3: Http3Connection, data: Uint8Array): void;
  /** The connection is over; `aborted` and `closed` came for each stream before. */
  connectionClosed(http3: Http3Connection, info: CloseInfo, now: TimeUs): void;
}

export interface Http3Options {
  /** Server: allow Extended CONNECT. On by default. */
  readonly enableConnectProtocol?: boolean;
  /** Allow HTTP Datagrams. On by default. */
  readonly h3Datagram?: boolean;
  /** What a field section may hold; `sectionBytes` is announced as SETTINGS_MAX_FIELD_SECTION_SIZE. */
  readonly fieldLimits?: FieldLimits;
  /** What header compression may take; capacity and streams are announced. `DEFAULT_QPACK_LIMITS` where left out. */
  readonly qpack?: Partial<QpackLimits>;
  /** N of the reserved setting that is sent, 0 to 2^48; random per connection is best. */
  readonly grease?: number;
  /** Client with early data: the server's settings from the session that is resumed. */
  readonly remembered?: Http3Settings;
  /** Sees what frames there are. */
  readonly observer?: Http3Observer;
}

/** Free bytes that `Http3Connection.sendDatagram` needs in front of a payload. */
export const DATAGRAM_HEADROOM = 8;
