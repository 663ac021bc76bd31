import http, { type RequestListener } from 'node:http';
import http2 from 'node:http2';
import net, { type Server, type Socket } from 'node:net';
import type { ConnectRouter, ConnectRouterOptions } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { getRequestListener } from '@hono/node-server';

export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** PEM; without it the port speaks in the clear. */
  readonly tls?: { readonly key: string; readonly cert: string };
}

export interface Listener {
  readonly port: number;
  /** Takes no new calls, lets the running ones end, and cuts what is left after the time. */
  close(graceMs: number): Promise<void>;
}

/** A connection that says nothing at all is closed after this long. */
const FIRST_BYTE_MS = 10_000;
/** HTTP/2 starts with "PRI * HTTP/2.0" (RFC 9113 §3.4); no HTTP/1.1 method begins like it. */
const PREFACE = Buffer.from('PRI');

/** What a service's app offers. */
export interface Service {
  readonly routes: (router: ConnectRouter) => void;
  readonly rpcOptions: Pick<ConnectRouterOptions, 'interceptors' | 'readMaxBytes'>;
  readonly fetch: (request: Request) => Promise<Response>;
}

/** One port for REST, Connect, gRPC-Web and native gRPC. */
export const listen = async (service: Service, options: ListenOptions): Promise<Listener> => {
  const shutdown = new AbortController();
  const rest = getRequestListener(service.fetch, { overrideGlobalObjects: false });
  const handler = connectNodeAdapter({
    routes: service.routes,
    ...service.rpcOptions,
    shutdownSignal: shutdown.signal,
    fallback: (request, response) => void rest(request as never, response as never),
  });
  const { server, close } = options.tls === undefined ? listenClear(handler) : listenTls(handler, options.tls);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as net.AddressInfo).port,
    close: (graceMs) => {
      const ended = close(graceMs);
      // Streams would never end by themselves.
      shutdown.abort();
      return ended;
    },
  };
};

type Handler = ReturnType<typeof connectNodeAdapter>;
interface Opened {
  readonly server: Server;
  close(graceMs: number): Promise<void>;
}

const listenClear = (handler: Handler): Opened => {
  const http1 = http.createServer(handler as RequestListener);
  const http2Server = http2.createServer(handler as never);
  const sockets = new SocketSet();
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    sniff(socket, (isHttp2) => (isHttp2 ? http2Server : http1).emit('connection', socket));
  });
  const sessions = trackSessions(http2Server);
  return {
    server,
    close: (graceMs) =>
      closeAll(server, sockets, graceMs, () => {
        http1.closeIdleConnections();
        for (const session of sessions) session.close();
      }),
  };
};

const listenTls = (handler: Handler, tls: { readonly key: string; readonly cert: string }): Opened => {
  // ALPN (RFC 7301) chooses between h2 and http/1.1.
  const server = http2.createSecureServer({ ...tls, allowHTTP1: true }, handler as never);
  const sockets = new SocketSet();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  const sessions = trackSessions(server);
  return {
    server: server as unknown as Server,
    close: (graceMs) =>
      closeAll(server as unknown as Server, sockets, graceMs, () => {
        for (const session of sessions) session.close();
      }),
  };
};

/** Looks at the first bytes and puts them back. */
const sniff = (socket: Socket, decide: (isHttp2: boolean) => void): void => {
  let seen = Buffer.alloc(0);
  socket.setTimeout(FIRST_BYTE_MS, () => socket.destroy());
  const look = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    seen = Buffer.concat([seen, chunk]);
    const length = Math.min(seen.length, PREFACE.length);
    const fits = seen.subarray(0, length).equals(PREFACE.subarray(0, length));
    if (fits && length < PREFACE.length) return;
    socket.off('readable', look);
    socket.setTimeout(0);
    socket.removeAllListeners('timeout');
    socket.unshift(seen);
    decide(fits);
  };
  socket.on('readable', look);
};

const trackSessions = (server: http2.Http2Server | http2.Http2SecureServer): Set<http2.Http2Session> => {
  const sessions = new Set<http2.Http2Session>();
  server.on('session', (session: http2.Http2Session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
  });
  return sessions;
};

/** The connections of a server. */
export class SocketSet {
  readonly #sockets = new Set<Socket>();

  add(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** Takes no new connections, lets requests that run end, and cuts what is left after the time. */
export const closeAll = async (
  server: Server,
  sockets: SocketSet,
  graceMs: number,
  endIdle: () => void,
): Promise<void> => {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  endIdle();
  // A kept-alive HTTP/1.1 connection becomes idle only after its last answer.
  const again = setInterval(endIdle, 50);
  const cut = setTimeout(() => sockets.destroy(), graceMs);
  await closed;
  clearInterval(again);
  clearTimeout(cut);
};
