import type { Fields } from '#protocol/qpack/field.ts';
import type { Http3Settings } from './settings.ts';

/** Who made it: this side, or the peer. */
export type Maker = 'local' | 'remote';

/**
 * Who wants to see the frames of an HTTP/3 connection, to log them; it has one at most (`Http3Connection.observer`).
 * Lengths are bytes of the payload. It must not change anything and must not throw.
 */
export interface Http3Observer {
  /** @param type RFC 9114 §6.2; undefined: a stream of a request */
  streamType(by: Maker, stream: number, type: number | undefined): void;
  /** @param stream on which the SETTINGS frame is, -1: ours waits for leave to open one */
  settings(by: Maker, stream: number, settings: Http3Settings): void;
  headers(by: Maker, stream: number, fields: Fields, bytes: number): void;
  data(by: Maker, stream: number, bytes: number): void;
  /** @param id a stream, Infinity for the last one that there can be; a push from a client */
  goaway(by: Maker, stream: number, id: number): void;
  /** A frame that is skipped over. */
  other(stream: number, type: number, bytes: number): void;
  /** An HTTP Datagram of this request (RFC 9297 §2.1), its payload behind the Quarter Stream ID. */
  datagram(by: Maker, stream: number, bytes: number): void;
}
