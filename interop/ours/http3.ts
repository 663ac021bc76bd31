import { programRecorder } from '#host/qlog/environment.ts';
import type { Http3Sink } from '#protocol/http3/api.ts';
import { Http3Binding } from '#protocol/http3/binding.ts';
import { Http3Connection } from '#protocol/http3/connection.ts';

/** HTTP/3 on a connection, logged when the environment asks for it. */
export const http3 = (sink: Http3Sink): Http3Binding =>
  new Http3Binding((quic) => {
    const connection = new Http3Connection(quic, sink);
    connection.observer = programRecorder().http3Of(quic);
    return connection;
  });
