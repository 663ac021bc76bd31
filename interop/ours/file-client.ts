import { resuming, type SavedSession, savedSession } from '#pop-worker/library/saved-session.ts';
import type { HttpConnection } from '#protocol/http3/http-connection.ts';
import type { CloseInfo, ConnectionSink } from '#protocol/quic/api.ts';
import { Connection } from '#protocol/quic/connection.ts';
import { shares } from '../shares.ts';
import type { Arguments } from './arguments.ts';
import { Dialer } from './endpoint.ts';
import { Downloads } from './files.ts';
import { http3 } from './http3.ts';
import { fail, result } from './lines.ts';
import { QuietConnection } from './quiet-connection.ts';
import { QuietSink } from './quiet-sink.ts';

type Fetch = {
  readonly args: Arguments;
  readonly paths: readonly string[];
  readonly downloads: Downloads;
  /** All is there. @param close ends the connection, when the program is ready for that */
  done(close: () => void): void;
  closed(info: CloseInfo): void;
};

const describe = ({ by, code, reason }: CloseInfo): string => `connection closed by ${by}, code ${code}: ${reason}`;

const h3Sink = ({ args, paths, downloads, done, closed }: Fetch): ConnectionSink => {
  const sink = new QuietSink();
  let asked = 0;
  const ask = (http: HttpConnection): void => {
    // More at a time the more came back, so that later heads can refer to what earlier ones held (RFC 9204 §2.1.2).
    const most = args.early ? paths.length : Math.min(paths.length, 2 + 3 * downloads.finished);
    for (; asked < most; asked++) {
      const requested = paths[asked] as string;
      const head = { ':method': 'GET', ':scheme': 'https', ':authority': args.name, ':path': requested };
      const fields = Object.entries({ ...head, 'user-agent': 'cloudbridge' }).map(([name, value]) => ({ name, value }));
      const stream = http.openRequest(fields, true, sink);
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
    if (downloads.finished < paths.length) ask(http3);
    else done(() => http3.close());
  };
  sink.connectionClosed = (_http3, info) => closed(info);
  return http3(sink);
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
    if (downloads.finished === paths.length) done(() => connection.close(0, ''));
  };
  sink.closed = (_connection, info) => closed(info);
  return sink;
};

/** The session that the next connection resumes. */
type Kept = { session: SavedSession | undefined; onTicket?: () => void };

const keeping = (sink: ConnectionSink, kept: Kept): ConnectionSink => {
  sink.ticket = (connection, data) => {
    kept.session = savedSession(connection, data);
    kept.onTicket?.();
  };
  return sink;
};

/** Updates keys and moves, if it is to, once each and as early as the connection lets it: tried again as data comes in. */
const stirring = (sink: ConnectionSink, dialer: Dialer, args: Arguments): ConnectionSink => {
  let [update, move] = [args['key-update'], args.migrate !== ''];
  const streamData = sink.streamData.bind(sink);
  sink.streamData = (connection, ...more) => {
    if (connection instanceof Connection) {
      if (update && connection.updateKeys()) update = false;
      if (move && dialer.move(connection, args.migrate)) move = false;
    }
    streamData(connection, ...more);
  };
  return sink;
};

/** As browsers do while they wait: a server that has lost us behind a NAT, and may not send, hears of us again. */
const KEEP_ALIVE_US = 10_000_000;

/** Fetches paths at the same time; with `--connections N` over as many, one after the other (`../shares.ts`). */
export const fileClient = (args: Arguments): void => {
  const dialer = new Dialer(args, { keepAliveUs: KEEP_ALIVE_US });
  const kept: Kept = { session: undefined };
  const left = shares(args.requests, Number(args.connections));
  const written: Promise<void>[] = [];
  const next = (): void => {
    let complete = false;
    const fetch: Fetch = {
      args,
      paths: left[0] ?? [],
      downloads: new Downloads(args.download),
      done: (close) => {
        complete = true;
        // The ticket may come after the last file.
        if (!args.resume || kept.session !== undefined) close();
        else kept.onTicket = close;
      },
      closed: (info) => {
        if (!complete) fail(describe(info));
        written.push(fetch.downloads.written());
        left.shift();
        if (left.length > 0) return void setImmediate(next);
        void Promise.all(written).then(() => {
          result({ files: args.requests.length, ...dialer.evidence });
          dialer.close();
        });
      },
    };
    const sink = stirring(keeping(args.alpn === 'h3' ? h3Sink(fetch) : hqSink(fetch), kept), dialer, args);
    const resumed = args.resume ? resuming(kept.session, args.early) : {};
    const connection = dialer.dial(sink, resumed);
    // Early data does not wait for the handshake.
    if ('remembered' in resumed) sink.streamsAvailable(connection, true);
  };
  next();
};
