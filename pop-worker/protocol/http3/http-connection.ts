import type { Fields } from '#protocol/qpack/field.ts';
import type { StreamSink } from './api.ts';

/**
 * What tunnels use of the HTTP connection that carries them, whatever its version. Commands on a stream return false once
 * the stream is gone, for an answer may come late; misuse throws.
 */
export interface HttpConnection {
  readonly isServer: boolean;
  /** Client: sends a request head. @param fin no content follows @returns the stream, or -1 while none can be opened */
  openRequest(fields: Fields, fin: boolean, sink: StreamSink): number;
  /** Server: sends the final response head. @param fin no content follows */
  respond(stream: number, fields: Fields, fin: boolean): boolean;
  /** Sends content; the chunk belongs to the connection from now on. It may be empty. */
  sendBody(stream: number, chunk: Uint8Array, fin: boolean): boolean;
  /** Bytes queued on a stream and not yet sent for the first time. */
  bufferedBytes(stream: number): number;
  /** Gives back the flow-control credit of bytes that `StreamSink.body` handed over. */
  consume(stream: number, bytes: number): void;
  /** Ends both directions at once. @param code of RFC 9114 §8.1; another version sends its own for it */
  cancel(stream: number, code?: number): boolean;
  /** Wants no more of the peer's message but goes on with its own. */
  stopReading(stream: number): boolean;
  /** What happens on this stream goes to that sink from now on. */
  attach(stream: number, sink: StreamSink): boolean;
  /** The largest payload of an HTTP Datagram on this stream now, 0 while they go in capsules (RFC 9297 §3.5). */
  maxDatagramBytes(stream: number): number;
  /** Sends an HTTP Datagram; `DATAGRAM_HEADROOM` bytes in front of `start` are overwritten. @returns false: dropped */
  sendDatagram(stream: number, buffer: Uint8Array, start: number, end: number): boolean;
  /** Bytes of HTTP Datagrams that may be queued now. */
  datagramRoom(): number;
  /** Closes the connection at once. @param code of RFC 9114 §8.1 */
  close(code?: number, reason?: string): void;
}
