import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { TlsClientContextOptions } from '#host/tls/context.ts';
import { createTlsClientPort } from '#host/tls/tls-port.ts';
import { addressOf } from '#host/udp/address.ts';
import { BoundEndpoint, COMMON_CHECKS, type CommonOptions } from './endpoint.ts';
import { type Checks, checkedElsewhere, identity, isFunction, text, whole } from './options.ts';

/** Which server a client connects to; TLS's own options besides. */
export interface ClientOptions extends CommonOptions, TlsClientContextOptions {
  /** Name or IP address of the server. */
  readonly host: string;
  readonly port: number;
  /** Name in the server's certificate. Default: `host`. */
  readonly serverName?: string;
}

export const CLIENT_CHECKS: Checks<ClientOptions> = {
  ...COMMON_CHECKS,
  host: text(253, 'a name or an IP address'),
  port: whole(1, 65_535),
  serverName: text(253, 'a name'),
  trustAnchors: checkedElsewhere,
  anyServer: checkedElsewhere,
  pins: checkedElsewhere,
  identity,
  groups: checkedElsewhere,
  suites: checkedElsewhere,
  keyLog: isFunction,
};

/**
 * Finds the server, opens the socket of its client and begins the connection. The socket is closed when that throws.
 *
 * @param options checked
 */
export const openClient = async <Begun>(
  options: ClientOptions,
  begin: (bound: BoundEndpoint, remote: Int32Array) => Begun,
): Promise<Begun> => {
  const { host, port } = options;
  const address = isIP(host) === 0 ? (await lookup(host)).address : host;
  const remote = addressOf(address, port);
  const any = isIP(address) === 6 ? '::' : '0.0.0.0';
  const bound = new BoundEndpoint(any, 0, options, { tls: createTlsClientPort(options) });
  try {
    return begin(bound, remote);
  } catch (error) {
    await bound.close();
    throw error;
  }
};
