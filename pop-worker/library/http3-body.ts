import type { Http3Connection } from '#protocol/http3/connection.ts';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import { Inflow } from './inflow.ts';
import { Outflow } from './outflow.ts';

/** The content of the message that arrives on a request stream. */
export const incomingBody = (http3: Http3Connection, stream: number): Inflow =>
  new Inflow({
    consume: (bytes) => http3.consume(stream, bytes),
    cancel: () => void http3.stopReading(stream, Http3ErrorCode.requestCancelled),
  });

/** The content of the message that is sent on it. Half a message must not look like a whole one (RFC 9114 §4.1.1). */
export const outgoingBody = (http3: Http3Connection, stream: number): Outflow =>
  new Outflow({
    write: (chunk, fin) => void http3.sendBody(stream, chunk, fin),
    buffered: () => http3.bufferedBytes(stream),
    reset: () => void http3.cancel(stream, Http3ErrorCode.internalError),
  });
