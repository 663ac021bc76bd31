import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { nowUs } from '#host/clock/clock.ts';
import type { TlsClientContextOptions, TlsServerContextOptions } from '#host/tls/context.ts';
import { createTlsClientPort, createTlsServerPort } from '#host/tls/tls-port.ts';
import { addressOf, formatHost } from '#host/udp/address.ts';
import { addressPort } from '#protocol/address.ts';
import type { ConnectionSink } from '#protocol/quic/api.ts';
import { BoundEndpoint, type CommonOptions } from './endpoint.ts';
import { QuicSession, type SavedSession, type StreamMode } from './session.ts';

/** Where and as whom a server listens; TLS's own options besides. */
export interface ListenOptions extends CommonOptions, Omit<TlsServerContextOptions, 'alpn'> {
  /** IP address of this machine. Default `::`, which takes IPv4 too. */
  readonly address?: string;
  /** UDP port; 0: any that is free. */
  readonly port: number;
  /** Application protocols, most wanted first. */
  readonly alpn: readonly string[];
  readonly streams?: StreamMode;
}

/** A QUIC server on one UDP socket. */
export interface QuicServer {
  readonly address: string;
  readonly port: number;
  /** Sessions as they begin; before they are `ready` when they carry early data. */
  readonly sessions: ReadableStream<QuicSession>;
  /** Closes all sessions and the socket. */
  close(): Promise<void>;
}

/**
 * Serves QUIC.
 *
 * @throws Error when the address cannot be had or the certificate cannot be used
 */
export const listenQuic = (options: ListenOptions): QuicServer => {
  const { address = '::', port, alpn, streams = 'web' } = options;
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
  const bound = new BoundEndpoint(address, port, options, { tls: createTlsServerPort({ ...options, alpn }), accept });
  return {
    sessions,
    address: formatHost(bound.socket.localAddress()),
    port: addressPort(bound.socket.localAddress()),
    close: async () => {
      for (const session of open) session.close();
      controller.close();
      await bound.close();
    },
  };
};

/** Which server a client connects to; TLS's own options besides. */
export interface ConnectOptions extends CommonOptions, TlsClientContextOptions {
  /** Name or IP address of the server. */
  readonly host: string;
  readonly port: number;
  readonly alpn: readonly string[];
  /** Name in the server's certificate. Default: `host`. */
  readonly serverName?: string;
  readonly streams?: StreamMode;
  /** Resumes what an earlier session gave by its event `ticket`. */
  readonly resume?: SavedSession;
  /** Returns before the handshake is complete: what is sent until then goes as early data (RFC 8470 says what may). */
  readonly early?: boolean;
}

/** @returns the IP address of a name, or the address itself */
const resolve = async (host: string): Promise<string> => (isIP(host) === 0 ? (await lookup(host)).address : host);

/**
 * Connects to a QUIC server. The session has a socket of its own, which is closed with it.
 *
 * @throws QuicConnectionError when no handshake is had, Error when the name is not found
 */
export const connectQuic = async (options: ConnectOptions): Promise<QuicSession> => {
  const { host, port, alpn, serverName = host, resume, early = false, streams = 'web' } = options;
  const address = await resolve(host);
  const any = isIP(address) === 6 ? '::' : '0.0.0.0';
  const bound = new BoundEndpoint(any, 0, options, { tls: createTlsClientPort(options) });
  const session = new QuicSession(streams);
  session.begin(
    bound.endpoint.connect(
      {
        remote: addressOf(address, port),
        serverName,
        alpn,
        sink: session.sink,
        ...(resume && { ticket: resume.ticket, version: resume.version }),
        ...(resume && early && { remembered: resume.parameters }),
      },
      nowUs(),
    ),
  );
  void session.closed.then(() => bound.close());
  if (!early) await session.ready;
  return session;
};
