import { Http3Binding } from '#protocol/http3/binding.ts';
import { Http3Connection } from '#protocol/http3/connection.ts';
import type { CloseInfo, ConnectionSink } from '#protocol/quic/api.ts';
import type { Arguments } from './arguments.ts';
import { Dialer } from './endpoint.ts';
import { Downloads } from './files.ts';
import { fail, result } from './lines.ts';
import { QuietConnection } from './quiet-connection.ts';
import { QuietSink } from './quiet-sink.ts';

type Fetch = {
  readonly args: Arguments;
  readonly paths: readonly string[];
  readonly downloads: Downloads;
  done(): void;
  closed(info: CloseInfo): void;
};

const describe = ({ by, code, reason }: CloseInfo): string => `connection closed by ${by}, code ${code}: ${reason}`;

const h3Sink = ({ args, paths, downloads, done, closed }: Fetch): ConnectionSink => {
  const sink = new QuietSink();
  let asked = 0;
  const ask = (http3: Http3Connection): void => {
    for (; asked < paths.length; asked++) {
      const requested = paths[asked] as string;
      const head = { ':method': 'GET', ':scheme': 'https', ':authority': args.name, ':path': requested };
      const fields = Object.entries(head).map(([name, value]) => ({ name, value }));
      const stream = http3.openRequest(fields, true);
      if (stream < 0) return;
      downloads.start(stream, requested);
    }
  };
  sink.handshakeComplete = ask;
  sink.streamsAvailable = ask;
  sink.response = (_http3, _stream, { status }) => {
    if (status !== 200) fail(`status ${status}`);
  };
  sink.body = (http3, stream, buffer, start, end) => {
    downloads.piece(stream, buffer, start, end);
    http3.consume(stream, end - start);
  };
  sink.aborted = (_http3, stream, { code, reason }) => fail(`stream ${stream} aborted, code ${code}: ${reason}`);
  sink.end = (http3, stream) => {
    downloads.finish(stream);
    if (downloads.finished < paths.length) return;
    done();
    http3.close();
  };
  sink.connectionClosed = (_http3, info) => closed(info);
  return new Http3Binding((quic) => new Http3Connection(quic, sink));
};

const hqSink = ({ paths, downloads, done, closed }: Fetch): ConnectionSink => {
  const sink = new QuietConnection();
  let asked = 0;
  const ask: ConnectionSink['streamsAvailable'] = (connection) => {
    for (; asked < paths.length; asked++) {
      const requested = paths[asked] as string;
      const stream = connection.openStream(true);
      if (stream < 0) return;
      downloads.start(stream, requested);
      connection.write(stream, Buffer.from(`GET ${requested}\r\n`), true);
    }
  };
  sink.handshakeComplete = (connection) => ask(connection, true);
  sink.streamsAvailable = ask;
  sink.streamReset = (_connection, stream, code) => fail(`stream ${stream} reset with ${code}`);
  sink.streamData = (connection, stream, buffer, start, end, fin) => {
    downloads.piece(stream, buffer, start, end);
    connection.consume(stream, end - start);
    if (fin) downloads.finish(stream);
    if (downloads.finished < paths.length) return;
    done();
    connection.close(0, '');
  };
  sink.closed = (_connection, info) => closed(info);
  return sink;
};

/** QUIC version 1 (RFC 9000 §15). */
const VERSION_1 = 1;

/** Fetches all paths over one connection at the same time; with `--connections N` again N times, each on a new one. */
export const fileClient = (args: Arguments): void => {
  const dialer = new Dialer(args, {});
  let left = Number(args.connections);
  const next = (version?: number): void => {
    let complete = false;
    const fetch: Fetch = {
      args,
      paths: args.requests,
      downloads: new Downloads(args.download),
      done: () => {
        complete = true;
      },
      closed: (info) => {
        // RFC 9000 §6.2: what the server speaks was told; the application tries again.
        if (info.by === 'version') return void setImmediate(next, VERSION_1);
        if (!complete) fail(describe(info));
        if (--left > 0) return void setImmediate(next);
        result({ files: args.requests.length, ...dialer.evidence });
        dialer.close();
      },
    };
    dialer.dial(args.alpn === 'h3' ? h3Sink(fetch) : hqSink(fetch), version);
  };
  next();
};
