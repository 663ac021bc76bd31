import type { Abort } from '#protocol/http3/api.ts';
import { Http3ErrorCode } from '#protocol/http3/errors.ts';
import type { RequestHead } from '#protocol/http3/message.ts';
import { formatIpAddress } from '#protocol/ip/text.ts';
import type { IpProxySink, IpTunnel } from '#protocol/masque/connect-ip.ts';
import type { IpRange } from '#protocol/masque/ip-routes.ts';
import type { IpScope } from '#protocol/masque/ip-scope.ts';
import { type Admission, type Admitted, type Denied, refusalOf } from '../admission.ts';
import type { Notice } from '../commands.ts';
import type { LiveTunnel, TunnelHolder } from '../endings.ts';
import type { Faults } from '../faults.ts';
import type { Forwarder } from '../forward/forwarder.ts';
import { Session } from '../forward/session.ts';
import { settleSoon } from '../forward/settle-soon.ts';
import type { TenantTable } from '../forward/tenant-table.ts';
import type { Tickets } from '../tickets/tickets.ts';

export interface IpSessionsOptions {
  readonly admission: Admission;
  readonly forwarder: Forwarder;
  readonly tenants: TenantTable;
  readonly faults: Faults;
  /** Name that this proxy goes by in Proxy-Status (RFC 9209 §2). */
  readonly proxyName: string;
  readonly notify: (notice: Notice) => void;
  /** Other workers are asked for a device before anything is sent to it; they say when (`settled`). */
  readonly settles?: boolean;
  /** Tell where a device was, and are told where it is. */
  readonly tickets?: Tickets | undefined;
  /** False where there is no TUN for the packets of a tunnel. */
  readonly served?: boolean;
}

interface IpSession extends LiveTunnel {
  readonly session: Session;
}

/** Everything: what the edge routes for a device (RFC 9484 §4.7.3). */
const ALL_ROUTES: readonly IpRange[] = [
  { start: new Uint8Array(4), end: new Uint8Array(4).fill(0xff), protocol: 0 },
  { start: new Uint8Array(16), end: new Uint8Array(16).fill(0xff), protocol: 0 },
];

/** The token of a request: for the proxy itself, or as for any resource. */
export const bearerOf = (head: RequestHead): string | undefined =>
  head.fields.find(({ name }) => name === 'proxy-authorization' || name === 'authorization')?.value;

/** Devices connected by CONNECT-IP: each tunnel that is let in becomes a session of the data plane. */
export class IpSessions implements IpProxySink, TunnelHolder {
  readonly #options: IpSessionsOptions;
  readonly #sessions = new Map<IpTunnel, IpSession>();
  #draining = false;
  /** Tunnels that were refused because none is served here. */
  unserved = 0;

  constructor(options: IpSessionsOptions) {
    this.#options = options;
  }

  /** Devices that are here: who has moved is counted where its newer session is. */
  get size(): number {
    let size = 0;
    for (const { session } of this.#sessions.values()) if (!session.hasMoved) size++;
    return size;
  }

  ipWanted(tunnel: IpTunnel, scope: IpScope, head: RequestHead): void {
    const { proxyName, served = true } = this.#options;
    if (!served) {
      this.unserved++;
      // RFC 9220 §3: 501 for a `:protocol` that is not supported; RFC 9209 §2.3.17: by its configuration.
      tunnel.refuse(proxyName, {
        error: 'http_request_denied',
        details: 'this worker has no TUN and serves no IP tunnels, only CONNECT and CONNECT-UDP',
        status: 501,
      });
      return;
    }
    if (this.#draining) {
      tunnel.refuse(proxyName, { error: 'connection_limit_reached', details: 'this worker is draining', status: 503 });
      return;
    }
    if (scope.target !== '*' || scope.ipproto !== '*') {
      tunnel.refuse(proxyName, {
        error: 'http_request_denied',
        details: 'only tunnels for all destinations are served',
        status: 403,
      });
      return;
    }
    const { admission, faults } = this.#options;
    faults.settle(
      admission.admit(bearerOf(head), tunnel.http),
      (answer) => this.#decide(tunnel, answer),
      () => {
        tunnel.refuse(proxyName, { error: 'proxy_internal_error' });
        tunnel.fail(Http3ErrorCode.internalError, 'internal error');
      },
    );
  }

  #decide(tunnel: IpTunnel, answer: Admitted | Denied): void {
    if (tunnel.state !== 'waiting') return;
    if ('status' in answer) {
      tunnel.refuse(this.#options.proxyName, refusalOf(answer));
      return;
    }
    const link = {
      mtu: () => tunnel.maxPayloadBytes(),
      send: (buffer: Uint8Array, start: number, end: number) => tunnel.send(buffer, start, end),
    };
    const session = new Session(answer, link);
    const { tickets } = this.#options;
    if (tickets !== undefined) {
      session.past = tickets.pastOf(tunnel.http, answer);
      session.onSettled = (place) => tickets.give(tunnel.http, answer, place);
    }
    if (this.#options.settles === true) settleSoon(session, this.#options.forwarder);
    this.#options.tenants.attach(session);
    const end = (reason: string): void => tunnel.fail(Http3ErrorCode.requestRejected, reason);
    this.#sessions.set(tunnel, { session, admitted: answer, end });
    tunnel.accept();
    tunnel.assign(answer.sources.map((prefix) => ({ requestId: 0, prefix })));
    tunnel.advertise(ALL_ROUTES);
    const [ipv4 = '', ipv6 = ''] = answer.sources.map(({ address }) => formatIpAddress(address));
    this.#options.notify({ type: 'connected', tenant: answer.tenant, device: answer.device, ipv4, ipv6 });
  }

  payload(tunnel: IpTunnel, buffer: Uint8Array, start: number, end: number): void {
    const found = this.#sessions.get(tunnel);
    if (found === undefined) return;
    try {
      this.#options.forwarder.fromSession(found.session, buffer, start, end);
    } catch (error) {
      this.#options.faults.note('packet', error);
    }
  }

  /** The addresses of a device are fixed, so whatever it asks for, it gets what it has (RFC 9484 §4.7.2). */
  addressesWanted(tunnel: IpTunnel): void {
    const found = this.#sessions.get(tunnel);
    if (found === undefined) return;
    const unanswered = [...tunnel.wanted];
    const entries = found.admitted.sources.map((prefix) => {
      const at = unanswered.findIndex((entry) => entry.prefix.address.length === prefix.address.length);
      const [answered] = at < 0 ? [] : unanswered.splice(at, 1);
      return { requestId: answered?.requestId ?? 0, prefix };
    });
    tunnel.assign(entries);
  }

  closed(tunnel: IpTunnel, abort: Abort): void {
    const found = this.#sessions.get(tunnel);
    if (found === undefined) return;
    this.#sessions.delete(tunnel);
    this.#options.tenants.detach(found.session);
    const { tenant, device } = found.admitted;
    this.#options.notify({ type: 'disconnected', tenant, device, reason: abort.reason });
  }

  live(): Iterable<LiveTunnel> {
    return this.#sessions.values();
  }

  /** Lets nobody in any more, or does again. */
  drain(draining = true): void {
    this.#draining = draining;
  }

  // Nothing to do: clients of an edge assign no addresses and route nothing for it.
  opened(): void {}
  refused(): void {}
  addressesAssigned(): void {}
  routesAdvertised(): void {}
}
