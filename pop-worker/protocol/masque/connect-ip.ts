import type { Abort } from '#protocol/http3/api.ts';
import { CapsuleType } from '#protocol/http3/capsules.ts';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import { Disposition } from '#protocol/http3/frame-parser.ts';
import type { HttpConnection } from '#protocol/http3/http-connection.ts';
import type { RequestHead, ResponseHead } from '#protocol/http3/message.ts';
import { PayloadReader } from '#protocol/http3/varint.ts';
import { formatPrefix, type Prefix } from '#protocol/ip/text.ts';
import type { Fields } from '#protocol/qpack/field.ts';
import { MasqueError } from './errors.ts';
import {
  type AddressEntry,
  encodeAddressEntries,
  isRejection,
  isValidPrefix,
  MAX_ADDRESS_CAPSULE_BYTES,
  MAX_ADDRESSES,
  parseAddressEntries,
  rejectionOf,
} from './ip-addresses.ts';
import { checkRoutes, encodeRoutes, type IpRange, MAX_ROUTE_CAPSULE_BYTES, parseRoutes } from './ip-routes.ts';
import { type IpScope, parseIpScope } from './ip-scope.ts';
import { badTemplate, matchTunnelRequest, tunnelRequest } from './request.ts';
import { Tunnel } from './tunnel.ts';
import type { UriTemplate } from './uri-template.ts';

/** An IP packet's total length has 16 bits; an IPv6 header comes on top of its. */
export const MAX_IP_PACKET_BYTES = 65_575;

/** What an IP tunnel tells whoever moves its packets. Both sides may do all of it (RFC 9484 §4.7). */
export interface IpTunnelSink {
  /** An IP packet from the other end; lent and not looked at. */
  payload(tunnel: IpTunnel, buffer: Uint8Array, start: number, end: number): void;
  /** Client: the proxy agreed. */
  opened(tunnel: IpTunnel, head: ResponseHead): void;
  /** Client: it refused; `closed` follows. */
  refused(tunnel: IpTunnel, head: ResponseHead): void;
  /**
   * All addresses that we may send from, now (ADDRESS_ASSIGN).
   *
   * @param rejected the requests of ours that were just turned down
   */
  addressesAssigned(tunnel: IpTunnel, assigned: readonly AddressEntry[], rejected: readonly number[]): void;
  /** The peer wants addresses: answer with `assign`, at once or later (ADDRESS_REQUEST). */
  addressesWanted(tunnel: IpTunnel, wanted: readonly AddressEntry[]): void;
  /** All that the peer routes for us, now (ROUTE_ADVERTISEMENT). */
  routesAdvertised(tunnel: IpTunnel, routes: readonly IpRange[]): void;
  /** The tunnel is over: addresses and routes are void. Comes once. */
  closed(tunnel: IpTunnel, abort: Abort): void;
}

export interface IpProxySink extends IpTunnelSink {
  /** Server: a client wants a tunnel. `accept` or `refuse` it; a name in the scope is to be resolved before. */
  ipWanted(tunnel: IpTunnel, scope: IpScope, head: RequestHead): void;
}

const misuse = (message: string) => new MasqueError(Http3ErrorCode.internalError, 'local', message);

/** One CONNECT-IP tunnel, client or server (RFC 9484). */
export class IpTunnel extends Tunnel {
  /** What the request was limited to. */
  readonly scope: IpScope;
  protected readonly largestPayload = MAX_IP_PACKET_BYTES;
  readonly #sink: IpTunnelSink;
  #nextRequestId = 1;
  /** Our requests that have no answer yet. */
  readonly #asked = new Set<number>();
  /** The peer's requests that have none. */
  readonly #wanted = new Map<number, AddressEntry>();
  #assignedByPeer: readonly AddressEntry[] = [];
  #assignedToPeer: readonly AddressEntry[] = [];
  #routesOfPeer: readonly IpRange[] = [];

  constructor(http: HttpConnection, scope: IpScope, sink: IpTunnelSink) {
    super(http);
    this.scope = scope;
    this.#sink = sink;
  }

  /** Addresses that we may send from. */
  get assigned(): readonly AddressEntry[] {
    return this.#assignedByPeer;
  }

  /** Addresses that the peer may send from. */
  get assignedToPeer(): readonly AddressEntry[] {
    return this.#assignedToPeer;
  }

  /** Destinations that the peer routes for us. */
  get routes(): readonly IpRange[] {
    return this.#routesOfPeer;
  }

  /** Requests of the peer that wait for `assign`. */
  get wanted(): readonly AddressEntry[] {
    return [...this.#wanted.values()];
  }

  /**
   * Asks for addresses (RFC 9484 §4.7.2); all-zero means any.
   *
   * @returns the Request IDs, in the order of the prefixes; none when the tunnel is not open
   */
  requestAddresses(prefixes: readonly Prefix[]): number[] {
    if (prefixes.length === 0 || prefixes.length > MAX_ADDRESSES) throw misuse('no or too many addresses asked for');
    if (!prefixes.every(isValidPrefix)) throw misuse('invalid prefix asked for');
    if (this.state !== 'open') return [];
    const entries = prefixes.map((prefix) => ({ requestId: this.#nextRequestId++, prefix }));
    for (const { requestId } of entries) this.#asked.add(requestId);
    this.sendCapsule(CapsuleType.addressRequest, encodeAddressEntries(entries));
    return entries.map(({ requestId }) => requestId);
  }

  /**
   * Tells the peer all addresses it may use from now on (RFC 9484 §4.7.1). Requests that wait and are not among them
   * are turned down, once.
   *
   * @param entries with the Request ID where one is answered, else 0
   */
  assign(entries: readonly AddressEntry[]): boolean {
    if (!entries.every(({ prefix }) => isValidPrefix(prefix))) throw misuse('invalid prefix assigned');
    if (this.state !== 'open') return false;
    const granted = new Set(entries.map(({ requestId }) => requestId));
    const rejected = this.wanted.filter(({ requestId }) => !granted.has(requestId)).map(rejectionOf);
    if (entries.length + rejected.length > MAX_ADDRESSES) throw misuse('too many addresses assigned');
    this.#wanted.clear();
    this.#assignedToPeer = [...entries];
    return this.sendCapsule(CapsuleType.addressAssign, encodeAddressEntries([...entries, ...rejected]));
  }

  /**
   * Tells the peer all ranges that we route for it (RFC 9484 §4.7.3): by version, protocol, address.
   *
   * @throws MasqueError local when they are out of order or overlap
   */
  advertise(routes: readonly IpRange[]): boolean {
    const wrong = checkRoutes(routes);
    if (wrong !== undefined) throw misuse(wrong);
    return this.sendCapsule(CapsuleType.routeAdvertisement, encodeRoutes(routes));
  }

  protected payload(buffer: Uint8Array, start: number, end: number): void {
    this.#sink.payload(this, buffer, start, end);
  }

  protected oversized(): void {
    // No such IP packet exists: a forwarding error, not one of the protocol (RFC 9484 §7.2).
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

  protected capsuleStart(type: number, length: number): Disposition {
    let limit = -1;
    if (type === CapsuleType.addressAssign || type === CapsuleType.addressRequest) limit = MAX_ADDRESS_CAPSULE_BYTES;
    if (type === CapsuleType.routeAdvertisement) limit = MAX_ROUTE_CAPSULE_BYTES;
    if (limit < 0) return Disposition.skip;
    if (length <= limit) return Disposition.collect;
    this.fail(Http3ErrorCode.excessiveLoad, `capsule ${type} of ${length} bytes`);
    return Disposition.skip;
  }

  protected capsule(type: number, buffer: Uint8Array, start: number, end: number): void {
    const reader = new PayloadReader(buffer, start, end);
    if (type === CapsuleType.addressAssign) this.#addressAssign(reader);
    else if (type === CapsuleType.addressRequest) this.#addressRequest(reader);
    else this.#routeAdvertisement(reader);
  }

  #addressAssign(reader: PayloadReader): void {
    const entries = parseAddressEntries(reader);
    if (entries === undefined) return void this.#malformed('ADDRESS_ASSIGN');
    const rejected: number[] = [];
    for (const entry of entries) {
      // A Request ID stays with its address in later capsules, so one that is answered already is no error.
      if (entry.requestId !== 0 && entry.requestId >= this.#nextRequestId)
        return void this.#malformed('ADDRESS_ASSIGN');
      if (this.#asked.delete(entry.requestId) && isRejection(entry)) rejected.push(entry.requestId);
    }
    this.#assignedByPeer = entries.filter((entry) => !isRejection(entry));
    this.#sink.addressesAssigned(this, this.#assignedByPeer, rejected);
  }

  #addressRequest(reader: PayloadReader): void {
    const entries = parseAddressEntries(reader);
    // RFC 9484 §4.7.2: an empty one, Request ID 0 and one that was used before must not be.
    if (entries === undefined || entries.length === 0) return void this.#malformed('ADDRESS_REQUEST');
    for (const entry of entries) {
      if (entry.requestId === 0 || this.#wanted.has(entry.requestId)) return void this.#malformed('ADDRESS_REQUEST');
      this.#wanted.set(entry.requestId, entry);
      if (this.#wanted.size > MAX_ADDRESSES) {
        this.fail(Http3ErrorCode.excessiveLoad, 'too many address requests wait');
        return;
      }
    }
    this.#sink.addressesWanted(this, entries);
  }

  #routeAdvertisement(reader: PayloadReader): void {
    const routes = parseRoutes(reader);
    if (routes === undefined || checkRoutes(routes) !== undefined) return void this.#malformed('ROUTE_ADVERTISEMENT');
    this.#routesOfPeer = routes;
    this.#sink.routesAdvertised(this, routes);
  }

  #malformed(capsule: string): void {
    // RFC 9484 §4.7 by RFC 9297 §3.3
    this.fail(Http3ErrorCode.messageError, `malformed ${capsule}`);
  }
}

const targetText = (target: IpScope['target']): string => (typeof target === 'string' ? target : formatPrefix(target));

/**
 * Client: asks a proxy for an IP tunnel.
 *
 * @param fields more of the request, such as `authorization`
 * @returns undefined while no request can be opened (`HttpConnection.openRequest`)
 * @throws MasqueError local when the template cannot carry the scope
 */
export const openIpTunnel = (
  http: HttpConnection,
  template: UriTemplate,
  scope: IpScope,
  sink: IpTunnelSink,
  fields: Fields = [],
): IpTunnel | undefined => {
  const values = { target: targetText(scope.target), ipproto: String(scope.ipproto) };
  if (parseIpScope(values.target, values.ipproto) === undefined) throw misuse('invalid scope');
  for (const name of ['target', 'ipproto'] as const) {
    if (values[name] !== '*' && !template.variables.includes(name)) throw badTemplate(`no {${name}}`);
  }
  const tunnel = new IpTunnel(http, scope, sink);
  const stream = http.openRequest(tunnelRequest('connect-ip', template, values, fields), false, tunnel);
  if (stream < 0) return undefined;
  tunnel.stream = stream;
  return tunnel;
};

/**
 * Server: takes a request if it is for this proxy. A malformed one ends its stream (RFC 9484 §4.2).
 *
 * @returns false when the request is not CONNECT-IP, or for another path: it is still to be answered
 */
export const acceptIpRequest = (
  http: HttpConnection,
  stream: number,
  head: RequestHead,
  template: UriTemplate,
  sink: IpProxySink,
): boolean => {
  const values = matchTunnelRequest(head, 'connect-ip', template);
  if (values === 'elsewhere') return false;
  const { target, ipproto } = values === 'malformed' ? { target: '' } : values;
  const scope = parseIpScope(target, ipproto);
  if (scope === undefined) {
    http.cancel(stream, Http3ErrorCode.messageError);
    return true;
  }
  const tunnel = new IpTunnel(http, scope, sink);
  tunnel.stream = stream;
  http.attach(stream, tunnel);
  sink.ipWanted(tunnel, scope, head);
  return true;
};
