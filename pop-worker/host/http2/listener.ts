import { performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls';
import type { StreamSink } from '#protocol/http3/api.ts';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import { parseRequest, type RequestHead } from '#protocol/http3/message.ts';
import { Http2Connection } from './connection.ts';
import { toHttp2Code } from './error-codes.ts';
import { fromRawHeaders } from './fields.ts';

/** What a listener holds at most. */
export interface Http2Limits {
  /** Connections, those that are still in their handshake included. */
  readonly connections: number;
  /** Handshakes at a time: they take the thread's time from packets. */
  readonly handshakes: number;
}

export interface Http2Identity {
  /** PEM: the chain, and the key of its first certificate. */
  readonly certificate: string;
  readonly key: string;
}

export interface Http2ListenerOptions {
  readonly identity: Http2Identity;
  readonly limits: Http2Limits;
  /** Gets requests. */
  readonly requests: StreamSink & { request(http: Http2Connection, stream: number, head: RequestHead): void };
  /** Content that came together has been handed over. */
  readonly turnOver: () => void;
}

const HANDSHAKE_MS = 10_000;
/** Devices ask each 15 s whether it is still there; who is silent for so long is gone. */
const IDLE_MS = 60_000;
const BACKLOG = 512;
/** Of the connection: all its streams together. */
const WINDOW_BYTES = 4 << 20;

const SETTINGS = {
  enableConnectProtocol: true,
  enablePush: false,
  maxConcurrentStreams: 256,
  maxHeaderListSize: 16_384,
  initialWindowSize: 1 << 20,
};

/** Floods of small frames end a connection: empty ones, PING, SETTINGS, streams that are opened to be reset. */
const PATIENCE = {
  maxSessionMemory: 8,
  maxSessionInvalidFrames: 100,
  maxSessionRejectedStreams: 100,
  maxOutstandingPings: 10,
  maxSettings: 16,
  streamResetBurst: 200,
  streamResetRate: 20,
};

const pemOf = ({ certificate, key }: Http2Identity) => ({ cert: certificate, key, minVersion: 'TLSv1.3' as const });

/** HTTP/2 over TLS 1.3 at TCP addresses. */
export class Http2Listener {
  readonly counters = { handshakes: 0, failedHandshakes: 0, refused: { connections: 0, handshakes: 0, draining: 0 } };
  readonly #options: Http2ListenerOptions;
  readonly #tls: TlsServer;
  readonly #servers: Server[] = [];
  readonly #live = new Map<ServerHttp2Session, Http2Connection>();
  readonly #sockets = new Set<Socket>();
  #handshakes = 0;
  #draining = false;

  constructor(options: Http2ListenerOptions) {
    this.#options = options;
    const alpn = { ALPNProtocols: ['h2'], handshakeTimeout: HANDSHAKE_MS };
    this.#tls = createTlsServer({ ...pemOf(options.identity), ...alpn }, (socket) => this.#shaken(socket));
    this.#tls.on('tlsClientError', () => this.#failed());
  }

  get size(): number {
    return this.#live.size;
  }

  /** @param reusePort other threads listen there too @returns the port @throws Error of the system */
  listen(address: string, port: number, reusePort: boolean): Promise<number> {
    const server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
    this.#servers.push(server);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address, port, reusePort, ipv6Only: true, backlog: BACKLOG }, () => {
        server.off('error', reject);
        // Too many open files and the like: who came is lost, the next one may have more luck.
        server.on('error', () => {});
        const bound = server.address();
        resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
      });
    });
  }

  /** Connections from now on are shown another certificate. */
  setIdentity(identity: Http2Identity): void {
    this.#tls.setSecureContext(pemOf(identity));
  }

  /** Nobody new; those there are told to go (RFC 9113 §6.8), and may end what they began. */
  drain(): void {
    this.#draining = true;
    for (const session of this.#live.keys()) if (!session.closed) session.close();
  }

  undrain(): void {
    this.#draining = false;
  }

  closeWhere(matches: (http: Http2Connection) => boolean): void {
    for (const http of [...this.#live.values()]) if (matches(http)) http.close(Http3ErrorCode.requestRejected);
  }

  close(): void {
    this.#draining = true;
    for (const server of this.#servers) server.close();
    for (const http of [...this.#live.values()]) http.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(socket: Socket): void {
    const { refused } = this.counters;
    const { connections, handshakes } = this.#options.limits;
    const reason = this.#draining
      ? 'draining'
      : this.#sockets.size >= connections
        ? 'connections'
        : this.#handshakes >= handshakes
          ? 'handshakes'
          : undefined;
    if (reason !== undefined) {
      refused[reason]++;
      socket.resetAndDestroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    this.#handshakes++;
    this.#tls.emit('connection', socket);
  }

  #failed(): void {
    this.#handshakes--;
    this.counters.failedHandshakes++;
  }

  #shaken(socket: TLSSocket): void {
    // Who does not say that it speaks HTTP/2 does not.
    if (socket.alpnProtocol !== 'h2') {
      this.#failed();
      socket.destroy();
      return;
    }
    this.#handshakes--;
    this.counters.handshakes++;
    this.#take(socket);
  }

  #take(socket: TLSSocket): void {
    const session = performServerHandshake(socket, { settings: SETTINGS, ...PATIENCE });
    const http = new Http2Connection(session, true, this.#options);
    this.#live.set(session, http);
    session.once('connect', () => session.setLocalWindowSize(WINDOW_BYTES));
    session.setTimeout(IDLE_MS, () => session.destroy());
    session.on('error', () => {});
    session.once('close', () => this.#live.delete(session));
    session.on('stream', (stream, _headers, _flags, raw) => this.#request(http, stream, raw));
    if (this.#draining) session.close();
  }

  #request(http: Http2Connection, stream: ServerHttp2Stream, raw: readonly string[]): void {
    const head = parseRequest(fromRawHeaders(raw), true);
    if (typeof head === 'string') {
      stream.on('error', () => {});
      stream.close(toHttp2Code(Http3ErrorCode.messageError));
      return;
    }
    const { requests } = this.#options;
    requests.request(http, http.take(stream, requests), head);
  }
}
