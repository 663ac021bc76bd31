import { randomFillSync } from 'node:crypto';
import { QuicDriver } from '#dataplane/quic-driver.ts';
import { nowUs } from '#host/clock/clock.ts';
import { programRecorder } from '#host/qlog/environment.ts';
import { systemRandom } from '#host/random/random.ts';
import type { SuiteName } from '#host/tls/context.ts';
import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { createTlsClientPort, createTlsServerPort } from '#host/tls/tls-port.ts';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { addressPort } from '#protocol/address.ts';
import { controllerNamed, DEFAULT_CONTROLLER } from '#protocol/congestion/registry.ts';
import { Http3Binding } from '#protocol/http3/binding.ts';
import type { ConnectionSink } from '#protocol/quic/api.ts';
import { DEFAULT_CONFIG, DEFAULT_ENDPOINT_CONFIG, type QuicConfig } from '#protocol/quic/config.ts';
import type { Connection } from '#protocol/quic/connection.ts';
import type { ConnectOptions } from '#protocol/quic/endpoint/maker.ts';
import { Endpoint } from '#protocol/quic/endpoint.ts';
import { type Arguments, splitAddress } from './arguments.ts';
import { Evidence } from './evidence.ts';
import { ready, result } from './lines.ts';

const RECEIVE_BUFFER_BYTES = 4 << 20;
/** A path that loses much takes its time. */
const HANDSHAKE_TIMEOUT_US = 60_000_000;
/** Long enough for CONNECTION_CLOSE to leave. */
const LINGER_MS = 100;

const cryptoOf = ({ suites }: Arguments) => (suites === '' ? {} : { suites: suites.split(',') as SuiteName[] });

const versionsOf = ({ version }: Arguments): number[] => (version === '' ? [1] : [Number(version), 1]);

const common = (args: Arguments, quic: Partial<QuicConfig>) => ({
  config: { ...DEFAULT_ENDPOINT_CONFIG, ...(args.retry && { retryAtHandshakes: 0 }) },
  quic: {
    ...DEFAULT_CONFIG,
    handshakeTimeoutUs: HANDSHAKE_TIMEOUT_US,
    versions: versionsOf(args),
    controller: controllerNamed(process.env['CBR_CC'] || DEFAULT_CONTROLLER),
    ...quic,
  },
  crypto: opensslCrypto,
  random: systemRandom,
  tokenKey: randomFillSync(new Uint8Array(32)),
  resetKey: randomFillSync(new Uint8Array(32)),
  observe: (connection: Connection) => programRecorder().observe(connection),
});

const open = (address: string, port: number): UdpSocket =>
  UdpSocket.open({
    address,
    port,
    waited: true,
    receiveBufferBytes: RECEIVE_BUFFER_BYTES,
    sendBufferBytes: RECEIVE_BUFFER_BYTES,
  });

/** Has noted what a sink's connection goes through. */
const noting = (sink: ConnectionSink, evidence: Evidence): ConnectionSink => {
  const closed = sink.closed.bind(sink);
  const handshakeComplete = sink.handshakeComplete.bind(sink);
  sink.handshakeComplete = (connection, info) => {
    evidence.addHandshake(info);
    handshakeComplete(connection, info);
  };
  sink.closed = (connection, info, now) => {
    evidence.add(connection);
    if (sink instanceof Http3Binding && sink.http3 !== undefined) evidence.addHttp3(sink.http3);
    closed(connection, info, now);
  };
  return sink;
};

/** Serves until the process is ended; then tells what happened. @param accept makes the sink of each connection */
export const serve = (args: Arguments, quic: Partial<QuicConfig>, accept: () => ConnectionSink): void => {
  const { host, port } = splitAddress(args.listen);
  const identities = [{ certificateChain: { file: args.cert }, privateKey: { file: args.key } }];
  const tls = createTlsServerPort({ identities, alpn: [args.alpn], earlyData: args.early, ...cryptoOf(args) });
  const evidence = new Evidence();
  const endpoint = new Endpoint({ ...common(args, quic), tls, accept: () => noting(accept(), evidence) });
  const socket = open(host, port);
  new QuicDriver({ socket, endpoint });
  process.once('SIGTERM', () => {
    const { retriesSent, versionNegotiationsSent } = endpoint.counters;
    endpoint.forEach((connection) => void evidence.add(connection));
    result({ ...evidence, retriesSent, versionNegotiationsSent });
    void programRecorder()
      .stop()
      .finally(() => process.exit());
  });
  ready(`${host}:${addressPort(socket.localAddress())}`);
};

type DialOptions = Pick<ConnectOptions, 'version' | 'ticket' | 'remembered'>;

/** A client's endpoint: as many connections as it likes to the one server. */
export class Dialer {
  readonly #args: Arguments;
  readonly #endpoint: Endpoint;
  readonly #driver: QuicDriver;
  readonly #port: number;
  readonly evidence = new Evidence();

  constructor(args: Arguments, quic: Partial<QuicConfig>) {
    this.#args = args;
    const tls = createTlsClientPort({ trustAnchors: { file: args.ca }, ...cryptoOf(args) });
    this.#endpoint = new Endpoint({ ...common(args, quic), tls });
    const v6 = splitAddress(args.server).host.includes(':');
    const socket = open(v6 ? '::' : '0.0.0.0', 0);
    this.#driver = new QuicDriver({ socket, endpoint: this.#endpoint });
    this.#port = addressPort(socket.localAddress());
  }

  /** @param more a version to start with instead of the most preferred one, a session to resume */
  dial(sink: ConnectionSink, more: DialOptions = {}): Connection {
    const { server, name, alpn } = this.#args;
    const { host, port } = splitAddress(server);
    const where = { remote: addressOf(host, port), serverName: name, alpn: [alpn] };
    return this.#endpoint.connect({ ...where, sink: noting(sink, this.evidence), ...more }, nowUs());
  }

  /** Moves a connection to another address of this host. @returns whether it could, now */
  move(connection: Connection, host: string): boolean {
    return connection.migrate(addressOf(host, this.#port), nowUs()) === undefined;
  }

  /** Lets the last packets leave, then the process may end. */
  close(): void {
    setTimeout(() => this.#driver.close(), LINGER_MS);
  }
}
