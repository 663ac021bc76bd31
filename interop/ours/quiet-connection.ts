import type { ConnectionSink } from '#protocol/quic/api.ts';

/** Ignores whatever happens on a QUIC connection; the programs overwrite what they care about. */
export class QuietConnection implements ConnectionSink {
  handshakeComplete: ConnectionSink['handshakeComplete'] = () => {};
  handshakeConfirmed: ConnectionSink['handshakeConfirmed'] = () => {};
  streamData: ConnectionSink['streamData'] = (connection, stream, _buffer, start, end) =>
    connection.consume(stream, end - start);
  streamReset: ConnectionSink['streamReset'] = () => {};
  streamStopSending: ConnectionSink['streamStopSending'] = () => {};
  streamWritable: ConnectionSink['streamWritable'] = () => {};
  streamClosed: ConnectionSink['streamClosed'] = () => {};
  streamsAvailable: ConnectionSink['streamsAvailable'] = () => {};
  datagram: ConnectionSink['datagram'] = () => {};
  datagramWritable: ConnectionSink['datagramWritable'] = () => {};
  ticket: ConnectionSink['ticket'] = () => {};
  closed: ConnectionSink['closed'] = () => {};
}
