import type { Abort } from '#protocol/http3/api.ts';
import type { RequestHead, ResponseHead } from '#protocol/http3/message.ts';
import { formatIpAddress, formatPrefix } from '#protocol/ip/text.ts';
import type { IpProxySink, IpTunnel } from '../connect-ip.ts';
import type { TcpProxySink, TcpTunnel } from '../connect-tcp.ts';
import type { UdpProxySink, UdpTunnel } from '../connect-udp.ts';
import type { AddressEntry } from '../ip-addresses.ts';
import type { IpRange } from '../ip-routes.ts';
import type { IpScope } from '../ip-scope.ts';
import { proxyErrorOf } from '../proxy-status.ts';
import type { Target } from '../target.ts';

type AnyTunnel = UdpTunnel | IpTunnel | TcpTunnel;

const entryText = ({ requestId, prefix }: AddressEntry): string => `${requestId}=${formatPrefix(prefix)}`;
const words = (...parts: readonly string[]): string => parts.filter((part) => part !== '').join(' ');

/** A data plane that writes down what it is told, for either side of any tunnel. */
export class ProxyLog implements UdpProxySink, IpProxySink, TcpProxySink {
  readonly wanted: string[] = [];
  readonly events: string[] = [];
  readonly payloads: string[] = [];
  received = '';
  /** The last one that was asked for. */
  tunnel: AnyTunnel | undefined;
  lastHead: RequestHead | undefined;
  lastResponse: ResponseHead | undefined;
  closedWith: Abort | undefined;

  udpWanted(tunnel: UdpTunnel, target: Target, head: RequestHead): void {
    this.#want(tunnel, head, `udp ${target.host} ${target.port}`);
  }

  tcpWanted(tunnel: TcpTunnel, target: Target, head: RequestHead): void {
    this.#want(tunnel, head, `tcp ${target.host} ${target.port}`);
  }

  ipWanted(tunnel: IpTunnel, scope: IpScope, head: RequestHead): void {
    const target = typeof scope.target === 'string' ? scope.target : formatPrefix(scope.target);
    this.#want(tunnel, head, `ip ${target} ${scope.ipproto}`);
  }

  payload(_tunnel: AnyTunnel, buffer: Uint8Array, start: number, end: number): void {
    this.payloads.push(Buffer.from(buffer.subarray(start, end)).toString('latin1'));
  }

  data(tunnel: TcpTunnel, buffer: Uint8Array, start: number, end: number): void {
    this.received += Buffer.from(buffer.subarray(start, end)).toString('latin1');
    tunnel.consumed(end - start);
  }

  opened(_tunnel: AnyTunnel, head: ResponseHead): void {
    this.lastResponse = head;
    this.events.push(`opened ${head.status}`);
  }

  refused(_tunnel: AnyTunnel, head: ResponseHead): void {
    this.events.push(words('refused', String(head.status), proxyErrorOf(head.fields) ?? ''));
  }

  closed(_tunnel: AnyTunnel, abort: Abort | undefined): void {
    this.closedWith = abort;
    this.events.push('closed');
  }

  peerFinished(): void {
    this.events.push('finished');
  }

  writable(): void {}

  addressesWanted(_tunnel: IpTunnel, wanted: readonly AddressEntry[]): void {
    this.events.push(words('wanted', ...wanted.map(entryText)));
  }

  addressesAssigned(_tunnel: IpTunnel, assigned: readonly AddressEntry[], rejected: readonly number[]): void {
    this.events.push(words('assigned', ...assigned.map(entryText), 'rejected', ...rejected.map(String)));
  }

  routesAdvertised(_tunnel: IpTunnel, routes: readonly IpRange[]): void {
    const text = (route: IpRange) => `${formatIpAddress(route.start)}-${formatIpAddress(route.end)}/${route.protocol}`;
    this.events.push(words('routes', ...routes.map(text)));
  }

  #want(tunnel: AnyTunnel, head: RequestHead, text: string): void {
    this.tunnel = tunnel;
    this.lastHead = head;
    this.wanted.push(text);
  }
}
