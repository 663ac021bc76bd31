import { nowUs } from '#host/clock/clock.ts';
import { createTlsClientPort } from '#host/tls/tls-port.ts';
import { addressOf } from '#host/udp/address.ts';
import { QuietConnection } from '#interop/ours/quiet-connection.ts';
import { resuming, type SavedSession, savedSession } from '#pop-worker/library/saved-session.ts';
import type { CloseInfo, HandshakeInfo, QuicConnection } from '#protocol/quic/api.ts';
import { CLIENT_GROUPS, openEndpoint, type PerfEndpoint } from './endpoint.ts';
import { ALPN } from './request.ts';

export interface Target {
  readonly address: string;
  readonly port: number;
  readonly controller: string;
  /** PEM file of the authorities that the server must have its certificate of; undefined: any server will do. */
  readonly authority?: string | undefined;
  /** Key exchanges in OpenSSL's syntax; default `CLIENT_GROUPS`. */
  readonly groups?: string;
}

const NAME = 'perf.test';
/** Long enough for CONNECTION_CLOSE to leave. */
const LINGER_MS = 20;

/** A connection that failed or was closed by the other side, in words. */
export class PerfFailure extends Error {}

const inWords = ({ by, code, reason }: CloseInfo): string =>
  by === 'idle'
    ? 'the server does not answer'
    : `the connection was closed (${by}, code ${code}${reason === '' ? '' : `: ${reason}`})`;

/** One connection to a perf server. What a stream brings goes to whoever opened it. */
export class PerfConnection extends QuietConnection {
  readonly complete = Promise.withResolvers<HandshakeInfo>();
  readonly ended = Promise.withResolvers<CloseInfo>();
  readonly session = Promise.withResolvers<SavedSession>();
  /** buffer[start, end) is lent for the call: a view of each piece would cost more than what is done with most. */
  onData: (stream: number, buffer: Uint8Array, start: number, end: number, fin: boolean) => void = () => {};
  onAborted: (stream: number, code: number) => void = () => {};
  #connection: QuicConnection | undefined;

  constructor() {
    super();
    // Who does not wait for one of these is not to fail for it.
    for (const { promise } of [this.complete, this.session]) promise.catch(() => {});
  }

  get connection(): QuicConnection {
    if (this.#connection === undefined) throw new Error('no connection yet');
    return this.#connection;
  }

  set connection(connection: QuicConnection) {
    this.#connection = connection;
  }

  /** Whether the handshake was completed: told then, or when the connection is over, also by our own doing. */
  made(): Promise<boolean> {
    const completed = this.complete.promise.then(
      () => true,
      () => false,
    );
    return Promise.race([completed, this.ended.promise.then(() => false)]);
  }

  override handshakeComplete(_connection: QuicConnection, info: HandshakeInfo): void {
    this.complete.resolve(info);
  }

  override ticket(connection: QuicConnection, data: Uint8Array): void {
    const saved = savedSession(connection, data);
    if (saved !== undefined) this.session.resolve(saved);
  }

  override streamData(
    connection: QuicConnection,
    stream: number,
    buffer: Uint8Array,
    start: number,
    end: number,
    fin: boolean,
  ): void {
    connection.consume(stream, end - start);
    this.onData(stream, buffer, start, end, fin);
  }

  override streamReset(_connection: QuicConnection, stream: number, code: number): void {
    this.onAborted(stream, code);
  }

  override closed(_connection: QuicConnection, info: CloseInfo): void {
    this.ended.resolve(info);
    // Nobody waits for what he ended himself, and an error costs its stack.
    if (info.by === 'local' && info.application) return;
    const failure = new PerfFailure(inWords(info));
    this.complete.reject(failure);
    this.session.reject(failure);
  }
}

/** As many connections to one server as are wanted, over one socket. */
export class PerfClient {
  readonly #remote: Int32Array;
  readonly #perf: PerfEndpoint;

  constructor(target: Target) {
    this.#remote = addressOf(target.address, target.port);
    const { authority, controller, groups = CLIENT_GROUPS } = target;
    const tls = createTlsClientPort({
      ...(authority === undefined ? { anyServer: true as const } : { trustAnchors: { file: authority } }),
      groups,
    });
    const v6 = target.address.includes(':');
    this.#perf = openEndpoint(v6 ? '::' : '0.0.0.0', 0, controller, { tls });
  }

  /** @param early sends early data with the session, as far as the server takes it */
  connect(session?: SavedSession, early = false): PerfConnection {
    const sink = new PerfConnection();
    sink.connection = this.#perf.endpoint.connect(
      {
        remote: this.#remote,
        serverName: NAME,
        alpn: [ALPN],
        sink,
        ...resuming(session, early),
      },
      nowUs(),
    );
    return sink;
  }

  /** Packets of all connections, as the socket counted them. */
  get packets(): { readonly received: number; readonly sent: number } {
    const { receivedSegments, sentSegments } = this.#perf.socket.counters;
    return { received: receivedSegments, sent: sentSegments };
  }

  /** Lets the last packets leave. */
  async close(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
    this.#perf.driver.close();
  }
}

/** User and system time of this process, in seconds. */
export const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};
