/**
 * QUIC and HTTP/3 for other programs: servers and clients, streams as Web Streams or in batches, DATAGRAMs, typed events.
 * docs/quic.md has a server and a client of each.
 */
export type { StreamPiece } from './batches.ts';
export type { ClientOptions } from './client-options.ts';
export type { WebDatagrams } from './datagrams.ts';
export type { CommonOptions } from './endpoint.ts';
export { QuicConnectionError, QuicStreamError } from './errors.ts';
export { connectHttp3, type Http3Client, type Http3ClientOptions, type SavedHttp3Session } from './http3-client.ts';
export { type FetchHandler, type Http3Server, type Http3ServerOptions, serveHttp3 } from './http3-server.ts';
export { type ConnectOptions, connectQuic, type ListenOptions, listenQuic, type QuicServer } from './quic.ts';
export type { SavedSession } from './saved-session.ts';
export type { Listening, ServerKeys, ServerLimits, ServerOptions } from './server-options.ts';
export type { QuicSession, SessionEvents, StreamMode } from './session.ts';
export type { BidirectionalStream } from './streams.ts';
export type { TransportOptions } from './transport-options.ts';
