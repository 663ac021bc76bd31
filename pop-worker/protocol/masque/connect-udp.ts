import type { Abort } from '#protocol/http3/api.ts';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import { Disposition } from '#protocol/http3/frame-parser.ts';
import type { HttpConnection } from '#protocol/http3/http-connection.ts';
import type { RequestHead, ResponseHead } from '#protocol/http3/message.ts';
import type { Fields } from '#protocol/qpack/field.ts';
import { badTemplate, matchTunnelRequest, tunnelRequest } from './request.ts';
import { parseTarget, type Target } from './target.ts';
import { Tunnel } from './tunnel.ts';
import type { UriTemplate } from './uri-template.ts';

/** RFC 9298 §5: no UDP payload is longer. */
export const MAX_UDP_PAYLOAD_BYTES = 65_527;

/** What a UDP tunnel tells whoever moves its packets. */
export interface UdpTunnelSink {
  /** A UDP payload from the other end; lent. Towards the target, it must not be fragmented (RFC 9298 §3.1). */
  payload(tunnel: UdpTunnel, buffer: Uint8Array, start: number, end: number): void;
  /** Client: the proxy agreed. Payloads may have been sent before. */
  opened(tunnel: UdpTunnel, head: ResponseHead): void;
  /** Client: the proxy refused; `closed` follows. */
  refused(tunnel: UdpTunnel, head: ResponseHead): void;
  /** The tunnel is over: the socket, if there is one, must be closed. Comes once. */
  closed(tunnel: UdpTunnel, abort: Abort): void;
}

export interface UdpProxySink extends UdpTunnelSink {
  /**
   * Server: a client wants UDP to that target. Resolve the name, apply the policy to what came out, open the socket,
   * then `accept`; or `refuse`. May be answered at once or later.
   */
  udpWanted(tunnel: UdpTunnel, target: Target, head: RequestHead): void;
}

/** One CONNECT-UDP tunnel, client or server (RFC 9298). */
export class UdpTunnel extends Tunnel {
  protected readonly largestPayload = MAX_UDP_PAYLOAD_BYTES;
  readonly #sink: UdpTunnelSink;

  constructor(http: HttpConnection, sink: UdpTunnelSink) {
    super(http);
    this.#sink = sink;
  }

  protected payload(buffer: Uint8Array, start: number, end: number): void {
    if (end - start > MAX_UDP_PAYLOAD_BYTES) this.oversized(end - start);
    else this.#sink.payload(this, buffer, start, end);
  }

  protected oversized(bytes: number): void {
    // RFC 9298 §5: the stream must be aborted.
    this.fail(Http3ErrorCode.datagramError, `UDP payload of ${bytes} bytes`);
  }

  protected opened(head: ResponseHead): void {
    this.#sink.opened(this, head);
  }

  protected refused(head: ResponseHead): void {
    this.#sink.refused(this, head);
  }

  protected over(abort: Abort): void {
    this.#sink.closed(this, abort);
  }

  protected capsuleStart(): Disposition {
    return Disposition.skip;
  }

  protected capsule(): void {
    // None but DATAGRAM is understood.
  }
}

/**
 * Client: asks a proxy for UDP to a host and port.
 *
 * @param host a name, IPv4 or IPv6 address without brackets
 * @param fields more of the request, such as `authorization`
 * @returns undefined while no request can be opened (`HttpConnection.openRequest`)
 * @throws MasqueError local when template or target are not valid
 */
export const openUdpTunnel = (
  http: HttpConnection,
  template: UriTemplate,
  host: string,
  port: number,
  sink: UdpTunnelSink,
  fields: Fields = [],
): UdpTunnel | undefined => {
  for (const name of ['target_host', 'target_port']) {
    if (!template.variables.includes(name)) throw badTemplate(`no {${name}}`);
  }
  if (parseTarget(host, String(port)) === undefined) throw badTemplate('invalid target');
  const values = { target_host: host, target_port: String(port) };
  const tunnel = new UdpTunnel(http, sink);
  const stream = http.openRequest(tunnelRequest('connect-udp', template, values, fields), false, tunnel);
  if (stream < 0) return undefined;
  tunnel.stream = stream;
  return tunnel;
};

/**
 * Server: takes a request if it is for this proxy. A malformed one ends its stream (RFC 9298 §3.4).
 *
 * @returns false when the request is not CONNECT-UDP, or for another path: it is still to be answered
 */
export const acceptUdpRequest = (
  http: HttpConnection,
  stream: number,
  head: RequestHead,
  template: UriTemplate,
  sink: UdpProxySink,
): boolean => {
  const values = matchTunnelRequest(head, 'connect-udp', template);
  if (values === 'elsewhere') return false;
  const { target_host = '', target_port = '' } = values === 'malformed' ? {} : values;
  const target = parseTarget(target_host, target_port);
  if (target === undefined) {
    http.cancel(stream, Http3ErrorCode.messageError);
    return true;
  }
  const tunnel = new UdpTunnel(http, sink);
  tunnel.stream = stream;
  http.attach(stream, tunnel);
  sink.udpWanted(tunnel, target, head);
  return true;
};
