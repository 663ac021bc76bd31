import { ConnectFailure } from './failure.ts';
import { KnownAddresses } from './known-addresses.ts';
import type { Carrier, DialTarget, Line, Link } from './link.ts';
import { interleave, Race, type RaceOptions } from './race.ts';
import type { ServerAddress } from './server-address.ts';
import type { SessionOptions, SessionPorts } from './session-ports.ts';

/** TCP is tried too when QUIC is not ready after a first packet and its repetition (RFC 9002 §6.2.2), and a bit. */
const TCP_AFTER_US = 1_500_000;
/** …and where TCP was needed before. */
const TCP_AGAIN_AFTER_US = 250_000;

/** Finds a server that answers: all in order, each by its addresses and carriers; and what was learnt of them. */
export class Dialer<L extends Link> {
  readonly #options: Pick<SessionOptions, 'servers' | 'carrier'>;
  readonly #ports: Pick<SessionPorts<L>, 'dial' | 'after'>;
  readonly #connecting: (server: string) => void;
  readonly #addresses: KnownAddresses;
  /** Of each server, the last one that came. */
  readonly #tickets = new Map<string, Uint8Array>();
  /** Servers that were reached by TCP alone. */
  readonly #byTcp = new Set<string>();
  #race: Race<L> | undefined;
  #rounds = 0;
  #lost: ServerAddress | undefined;
  #stopped = false;

  /** @param connecting is told which server is tried */
  constructor(
    options: Pick<SessionOptions, 'servers' | 'carrier'>,
    ports: Pick<SessionPorts<L>, 'resolve' | 'dial' | 'after'>,
    connecting: (server: string) => void,
  ) {
    this.#options = options;
    this.#ports = ports;
    this.#connecting = connecting;
    this.#addresses = new KnownAddresses((host) => ports.resolve(host), ports.after);
  }

  /** Nothing is tried any more: who waits has a failure. */
  stop(): void {
    this.#stopped = true;
    this.#race?.cancel();
  }

  /** A connection to this server that was up is over: it comes last for once, and the rounds begin anew. */
  lost(server: ServerAddress): void {
    this.#rounds = 0;
    this.#lost = server;
  }

  /** May be of use for the next connection to this server. */
  keepTicket(server: ServerAddress, data: Uint8Array): void {
    this.#tickets.set(server.authority, data);
  }

  /** One try of all servers. @param carrier nothing but this one */
  async reachAny(carrier?: Carrier): Promise<Line<L> | ConnectFailure> {
    const failures: ConnectFailure[] = [];
    this.#rounds++;
    for (const server of this.#order()) {
      const line = await this.#reach(server, carrier);
      if (this.#stopped) {
        if (!(line instanceof ConnectFailure)) line.link?.close();
        return new ConnectFailure('stopped');
      }
      if (!(line instanceof ConnectFailure)) return line;
      failures.push(line);
    }
    return failures.find(({ severity }) => severity === 'temporary') ?? (failures[0] as ConnectFailure);
  }

  /** Who has just gone silent would be waited for as long as an attempt takes. */
  #order(): readonly ServerAddress[] {
    const { servers } = this.#options;
    const lost = this.#lost;
    this.#lost = undefined;
    return lost === undefined ? servers : [...servers.filter((server) => server !== lost), lost];
  }

  async #reach(server: ServerAddress, only?: Carrier): Promise<Line<L> | ConnectFailure> {
    this.#connecting(server.authority);
    const addresses = await this.#addresses.of(server.host);
    if (addresses instanceof ConnectFailure) return addresses;
    if (this.#stopped) return new ConnectFailure('stopped');
    const carrier = only ?? this.#options.carrier ?? 'auto';
    const afterUs = this.#byTcp.has(server.authority) ? TCP_AGAIN_AFTER_US : TCP_AFTER_US;
    const byTcp = this.targets(server, addresses, 'tcp');
    if (carrier === 'tcp') this.#race = this.race(byTcp);
    else {
      const later = carrier === 'auto' ? { targets: byTcp, afterUs } : undefined;
      this.#race = this.race(this.targets(server, addresses, 'quic'), later);
    }
    const result = await this.#race.result;
    this.#race = undefined;
    if (!(result instanceof ConnectFailure))
      this.#byTcp[result.target.carrier === 'tcp' ? 'add' : 'delete'](server.authority);
    return result;
  }

  /** Addresses of a server in the order in which they are tried. @param cautious otherwise that is each second round */
  targets(
    server: ServerAddress,
    addresses: readonly string[],
    carrier: Carrier,
    cautious = this.#rounds % 2 === 0,
  ): DialTarget[] {
    const ticket = carrier === 'quic' ? this.#tickets.get(server.authority) : undefined;
    return interleave(addresses).map((address) => ({ server, address, carrier, ticket, cautious }));
  }

  /** Tries these at once, whatever else is tried. */
  race(targets: readonly DialTarget[], later?: RaceOptions<L>['later']): Race<L> {
    return new Race<L>({
      targets,
      ...(later && { later }),
      dial: (target, sink) => this.#ports.dial(target, sink),
      after: this.#ports.after,
      ticket: ({ server }, data) => this.keepTicket(server, data),
    });
  }
}
