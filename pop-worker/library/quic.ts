import { nowUs } from '#host/clock/clock.ts';
import type { ConnectionSink } from '#protocol/quic/api.ts';
import { CLIENT_CHECKS, type ClientOptions, openClient } from './client-options.ts';
import { type Checks, checkOptions, oneOf, protocols, trueOrFalse } from './options.ts';
import { isSaved, resuming, type SavedSession } from './saved-session.ts';
import { type Listening, openServer, SERVER_CHECKS, type ServerOptions } from './server-options.ts';
import { QuicSession, STREAM_MODES, type StreamMode } from './session.ts';

/** What a server of QUIC speaks. */
export interface ListenOptions extends ServerOptions {
  /** Application protocols, most wanted first. */
  readonly alpn: readonly string[];
  readonly streams?: StreamMode;
}

const LISTEN_CHECKS: Checks<ListenOptions> = { ...SERVER_CHECKS, alpn: protocols, streams: oneOf(STREAM_MODES) };

/** A QUIC server on one UDP socket. */
export interface QuicServer extends Listening {
  /** Sessions as they begin; before they are `ready` when they carry early data. */
  readonly sessions: ReadableStream<QuicSession>;
  /** Closes all sessions and the socket. */
  close(): Promise<void>;
}

/**
 * Serves QUIC.
 *
 * @throws RangeError for an option that is wrong, Error when the address cannot be had or the certificate cannot be used
 */
export const listenQuic = (options: ListenOptions): QuicServer => {
  checkOptions(options, LISTEN_CHECKS, ['port', 'alpn', 'identities']);
  const { alpn, streams = 'web' } = options;
  const open = new Set<QuicSession>();
  let controller!: ReadableStreamDefaultController<QuicSession>;
  const sessions = new ReadableStream<QuicSession>({
    start: (made) => {
      controller = made;
    },
  });
  const accept = (): ConnectionSink => {
    const session = new QuicSession(streams);
    open.add(session);
    session.once('close', () => open.delete(session));
    controller.enqueue(session);
    return session.sink;
  };
  const { listening, close } = openServer(options, alpn, accept);
  return {
    ...listening,
    sessions,
    close: () =>
      close(() => {
        for (const session of open) session.close();
        controller.close();
      }),
  };
};

/** What a client of QUIC speaks. */
export interface ConnectOptions extends ClientOptions {
  readonly alpn: readonly string[];
  readonly streams?: StreamMode;
  /** Resumes what an earlier session gave by its event `ticket`. */
  readonly resume?: SavedSession;
  /** Returns before the handshake is complete: what is sent until then goes as early data (RFC 8470 says what may). */
  readonly early?: boolean;
}

const CONNECT_CHECKS: Checks<ConnectOptions> = {
  ...CLIENT_CHECKS,
  alpn: protocols,
  streams: oneOf(STREAM_MODES),
  resume: isSaved,
  early: trueOrFalse,
};

/**
 * Connects to a QUIC server. The session has a socket of its own, which is closed with it.
 *
 * @throws RangeError for an option that is wrong, QuicConnectionError when no handshake is had, Error when the name is not found
 */
export const connectQuic = async (options: ConnectOptions): Promise<QuicSession> => {
  checkOptions(options, CONNECT_CHECKS, ['host', 'port', 'alpn']);
  const { host, alpn, serverName = host, resume, early = false, streams = 'web' } = options;
  const session = await openClient(options, (bound, remote) => {
    const made = new QuicSession(streams);
    const whom = { remote, serverName, alpn, sink: made.sink, ...resuming(resume, early) };
    made.begin(bound.endpoint.connect(whom, nowUs()));
    void made.closed.then(() => bound.close());
    return made;
  });
  if (!early) await session.ready;
  return session;
};
