import { randomFillSync } from 'node:crypto';
import { BACKLOG_DATAGRAMS } from '#dataplane/edge-config.ts';
import { nowUs } from '#host/clock/clock.ts';
import type { TlsServerContextOptions } from '#host/tls/context.ts';
import type { RefusedEarlyData } from '#host/tls/single-use.ts';
import { createTlsServerPort } from '#host/tls/tls-port.ts';
import { formatHost } from '#host/udp/address.ts';
import { addressPort } from '#protocol/address.ts';
import type { ConnectionSink } from '#protocol/quic/api.ts';
import { DEFAULT_ENDPOINT_CONFIG, type EndpointConfig } from '#protocol/quic/config.ts';
import { BoundEndpoint, COMMON_CHECKS, type CommonOptions } from './endpoint.ts';
import {
  type Checks,
  checkedElsewhere,
  defined,
  each,
  identities,
  ipAddress,
  isFunction,
  secretBytes,
  whole,
} from './options.ts';

/**
 * Secrets that a server has in common with the one before it, and with others behind one address. Without them each process
 * draws its own: clients of one that was killed then find out by their idle timeout only.
 */
export interface ServerKeys {
  /**
   * 32 bytes. By it a server tells clients of a process that is gone, at once, that their connections are (stateless reset,
   * RFC 9000 §10.3.2).
   */
  readonly reset?: Uint8Array;
  /** 32 bytes. Seals the tokens by which clients show where they are; others of this key are taken (RFC 9000 §8.1.4). */
  readonly token?: Uint8Array;
}

/** What strangers can make a server do, as in `EndpointConfig`; `backlogDatagrams` is 512 by default. */
export type ServerLimits = Partial<
  Pick<EndpointConfig, 'maxConnections' | 'maxHandshakes' | 'retryAtHandshakes' | 'backlogDatagrams'>
>;

/** Where and as whom a server listens; TLS's own options besides. */
export interface ServerOptions extends CommonOptions, Omit<TlsServerContextOptions, 'alpn'> {
  /** IP address of this machine. Default `::`, which takes IPv4 too. */
  readonly address?: string;
  /** UDP port; 0: any that is free. */
  readonly port: number;
  readonly keys?: ServerKeys;
  readonly limits?: ServerLimits;
}

/** Where a server listens, and what it counts. */
export interface Listening {
  readonly address: string;
  readonly port: number;
  /** Early data that clients may have sent twice, and so had to send again (RFC 8446 §8). */
  readonly refusedEarlyData: RefusedEarlyData;
}

const KEY_BYTES = 32;
const MOST = 2 ** 24;

export const SERVER_CHECKS: Checks<ServerOptions> = {
  ...COMMON_CHECKS,
  address: ipAddress,
  port: whole(0, 65_535),
  keys: each<ServerKeys>({ reset: secretBytes(KEY_BYTES), token: secretBytes(KEY_BYTES) }),
  limits: each<ServerLimits>({
    maxConnections: whole(1, MOST),
    maxHandshakes: whole(1, MOST),
    retryAtHandshakes: whole(0, MOST, 'RFC 9000 §8.1.2'),
    backlogDatagrams: whole(0, 65_536),
  }),
  identities,
  clientTrustAnchors: checkedElsewhere,
  clientCertificate: checkedElsewhere,
  ticketKeys: checkedElsewhere,
  tickets: checkedElsewhere,
  ticketLifetimeSeconds: checkedElsewhere,
  earlyData: checkedElsewhere,
  groups: checkedElsewhere,
  suites: checkedElsewhere,
  keyLog: isFunction,
};

const keyOf = (given: Uint8Array | undefined): Uint8Array =>
  given === undefined ? randomFillSync(new Uint8Array(KEY_BYTES)) : Uint8Array.from(given);

/** A server's socket. */
export interface OpenServer {
  readonly bound: BoundEndpoint;
  readonly listening: Listening;
  /** Refuses clients from now on, and closes the socket once the last packets have left. @param end closes what is open */
  close(end: () => void): Promise<void>;
}

/** @param options checked */
export const openServer = (
  options: ServerOptions,
  alpn: readonly string[],
  accept: () => ConnectionSink,
): OpenServer => {
  let closed: Promise<void> | undefined;
  const tls = createTlsServerPort({ ...options, alpn });
  const bound = new BoundEndpoint(options.address ?? '::', options.port, options, {
    tls,
    accept: () => (closed === undefined ? accept() : undefined),
    config: {
      ...DEFAULT_ENDPOINT_CONFIG,
      backlogDatagrams: BACKLOG_DATAGRAMS,
      // The next process reads the time in tokens of this one.
      tokenTimeOffsetUs: Date.now() * 1000 - nowUs(),
      ...defined(options.limits),
    },
    tokenKey: keyOf(options.keys?.token),
    resetKey: keyOf(options.keys?.reset),
  });
  const local = bound.socket.localAddress();
  return {
    bound,
    listening: { address: formatHost(local), port: addressPort(local), refusedEarlyData: tls.refusedEarlyData },
    close: (end) => {
      if (closed === undefined) {
        closed = bound.close();
        end();
      }
      return closed;
    },
  };
};
