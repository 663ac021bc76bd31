import type { Http3Sink } from '#protocol/http3/api.ts';

/** Ignores whatever happens on an HTTP/3 connection. */
export abstract class PassiveHttp3Sink implements Http3Sink {
  handshakeComplete: Http3Sink['handshakeComplete'] = () => {};
  handshakeConfirmed: Http3Sink['handshakeConfirmed'] = () => {};
  settings: Http3Sink['settings'] = () => {};
  request: Http3Sink['request'] = () => {};
  goaway: Http3Sink['goaway'] = () => {};
  drained: Http3Sink['drained'] = () => {};
  streamsAvailable: Http3Sink['streamsAvailable'] = () => {};
  datagramWritable: Http3Sink['datagramWritable'] = () => {};
  ticket: Http3Sink['ticket'] = () => {};
  connectionClosed: Http3Sink['connectionClosed'] = () => {};
  response: Http3Sink['response'] = () => {};
  body: Http3Sink['body'] = (http3, stream, _buffer, start, end) => http3.consume(stream, end - start);
  trailers: Http3Sink['trailers'] = () => {};
  end: Http3Sink['end'] = () => {};
  aborted: Http3Sink['aborted'] = () => {};
  stopSending: Http3Sink['stopSending'] = () => {};
  datagram: Http3Sink['datagram'] = () => {};
  writable: Http3Sink['writable'] = () => {};
  closed: Http3Sink['closed'] = () => {};
}
