import { Backoff } from './backoff.ts';
import { asFailure, ConnectFailure } from './failure.ts';
import type { DialTarget, Line, Link, LinkSink } from './link.ts';
import { type After, interleave, Race } from './race.ts';
import type { ServerAddress } from './server-address.ts';
import type { TokenSource } from './token-source.ts';
import { expiryFailure, Uptime } from './uptime.ts';

export interface SessionPorts<L extends Link> {
  /** Addresses of a name, in order of preference. @throws ConnectFailure */
  resolve(host: string): Promise<readonly string[]>;
  /** Starts one attempt. May throw a ConnectFailure; otherwise nothing comes at the sink before it returns. */
  dial(target: DialTarget, sink: LinkSink): L;
  /** Monotonic microseconds. */
  nowUs(): number;
  after: After;
  /** From 0 to 1. */
  random(): number;
  /** Milliseconds since 1970, for what tokens say. */
  wallMs(): number;
}

export type SessionEvent =
  | { readonly type: 'connecting'; readonly server: string }
  | { readonly type: 'connected'; readonly server: string; readonly address: string; readonly resumed: boolean }
  | { readonly type: 'disconnected'; readonly reason: string }
  | { readonly type: 'retrying'; readonly reason: string; readonly inMs: number }
  | { readonly type: 'token-renewed' }
  /** The present token goes on until it ends; trying goes on too. Once for each reason. */
  | { readonly type: 'token-not-renewed'; readonly reason: string };

export interface SessionObserver<L extends Link> {
  event(event: SessionEvent): void;
  /** Packets and streams go there from now on. */
  up(link: L): void;
  /** …and nowhere. */
  down(): void;
}

export interface SessionOptions {
  /** Tried in this order, each round from the first; just after a connection was lost, its server comes last. */
  readonly servers: readonly ServerAddress[];
  readonly tokens: TokenSource;
  /** Whether an IP tunnel is wanted; otherwise the session is up as soon as the edge is ready. */
  readonly tunnel: boolean;
}

/** A session that lived so long was a good one: the next attempt need not wait. */
const GOOD_US = 5_000_000;
/** Addresses that are known already are tried when the resolver takes longer. */
const RESOLVE_US = 500_000;

/**
 * Keeps a device connected: resolve, race the addresses, authenticate, open the tunnel, watch it, and again when it is
 * lost. Ends only when it is told to or when trying again cannot help.
 */
export class Session<L extends Link> {
  readonly #options: SessionOptions;
  readonly #ports: SessionPorts<L>;
  readonly #observer: SessionObserver<L>;
  readonly #backoff = new Backoff();
  /** Of each server, the last one that came. */
  readonly #tickets = new Map<string, Uint8Array>();
  /** Addresses that were found before: names may be out of reach while the tunnel is down. */
  readonly #known = new Map<string, readonly string[]>();
  #uptime: Uptime<L> | undefined;
  #race: Race<L> | undefined;
  #wake: (() => void) | undefined;
  #stopped = false;
  #wasUp = false;
  /** A good connection was lost: the first attempt does not wait. */
  #atOnce = false;
  #rounds = 0;
  #lost: ServerAddress | undefined;
  #token: string | undefined;
  /** How often a connection was up. */
  connections = 0;

  constructor(options: SessionOptions, ports: SessionPorts<L>, observer: SessionObserver<L>) {
    this.#options = options;
    this.#ports = ports;
    this.#observer = observer;
  }

  /** The link that is up. */
  get link(): L | undefined {
    return this.#uptime?.link;
  }

  /** The token that the edge took last, for requests on the link. */
  get token(): string | undefined {
    return this.#uptime?.token ?? this.#token;
  }

  /** @returns why it ended by itself, undefined when it was stopped */
  async run(): Promise<ConnectFailure | undefined> {
    const wrong = await this.#checkToken();
    if (wrong !== undefined) return wrong;
    while (!this.#stopped) {
      const failure = await this.#round();
      if (this.#stopped) break;
      if (failure.severity === 'fatal' || (failure.severity === 'fatal-at-first' && !this.#wasUp)) return failure;
      if (this.#atOnce) this.#atOnce = false;
      else await this.#pause(failure);
    }
    return undefined;
  }

  /** Says goodbye; `run` returns. */
  stop(): void {
    this.#stopped = true;
    this.#race?.cancel();
    this.#uptime?.end(new ConnectFailure('stopped'));
    this.#wake?.();
  }

  /**
   * Addresses of this machine came or went: a connection that may hang is looked at closely, a pause ends.
   *
   * @param isOurs whether the machine still has an address
   */
  networkChanged(isOurs: (address: string) => boolean): void {
    this.#uptime?.networkChanged(isOurs);
    this.#wake?.();
  }

  /** A request on the link was refused for its token's sake. */
  tokenRefused(token: string, detail: string): void {
    this.#uptime?.tokenRefused(token, detail);
  }

  /** What cannot work should not have to wait for a connection; what may work in a moment is tried then. */
  async #checkToken(): Promise<ConnectFailure | undefined> {
    try {
      return expiryFailure(await this.#options.tokens.token(), this.#ports.wallMs());
    } catch (error) {
      const failure = asFailure(error);
      return failure.severity === 'temporary' ? undefined : failure;
    }
  }

  /** One try of all servers, and of the first that answers, its whole life. */
  async #round(): Promise<ConnectFailure> {
    const failures: ConnectFailure[] = [];
    this.#rounds++;
    for (const server of this.#order()) {
      const line = await this.#reach(server);
      if (this.#stopped) {
        if (!(line instanceof ConnectFailure)) line.link?.close();
        return new ConnectFailure('stopped');
      }
      if (!(line instanceof ConnectFailure)) return this.#live(line);
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

  async #reach(server: ServerAddress): Promise<Line<L> | ConnectFailure> {
    this.#observer.event({ type: 'connecting', server: server.authority });
    const addresses = await this.#resolve(server.host);
    if (addresses instanceof ConnectFailure) return addresses;
    if (this.#stopped) return new ConnectFailure('stopped');
    const ticket = this.#tickets.get(server.authority);
    this.#race = new Race<L>({
      targets: interleave(addresses).map((address) => ({ server, address, ticket, cautious: this.#rounds % 2 === 0 })),
      dial: (target, sink) => this.#ports.dial(target, sink),
      after: this.#ports.after,
      ticket: (target, data) => this.#tickets.set(target.server.authority, data),
    });
    const result = await this.#race.result;
    this.#race = undefined;
    return result;
  }

  async #resolve(host: string): Promise<readonly string[] | ConnectFailure> {
    const known = this.#known.get(host);
    const found = this.#ports.resolve(host).then(
      (addresses) => {
        this.#known.set(host, addresses);
        return addresses;
      },
      (error) => known ?? asFailure(error),
    );
    if (known === undefined) return found;
    const late = Promise.withResolvers<readonly string[]>();
    const cancel = this.#ports.after(RESOLVE_US, () => late.resolve(known));
    const first = await Promise.race([found, late.promise]);
    cancel();
    return first;
  }

  async #live(line: Line<L>): Promise<ConnectFailure> {
    const { server } = line.target;
    let upSince = -1;
    this.#uptime = new Uptime<L>(line, this.#options.tokens, this.#options.tunnel, this.#ports, {
      up: (link) => {
        upSince = this.#ports.nowUs();
        this.#wasUp = true;
        this.connections++;
        const { label } = link;
        this.#observer.event({ type: 'connected', server: server.authority, address: label, resumed: line.resumed });
        this.#observer.up(link);
      },
      ticket: (data) => this.#tickets.set(server.authority, data),
      renewed: () => this.#observer.event({ type: 'token-renewed' }),
      notRenewed: (reason) => this.#observer.event({ type: 'token-not-renewed', reason }),
    });
    const failure = await this.#uptime.over;
    this.#token = this.#uptime.token ?? this.#token;
    this.#uptime = undefined;
    if (upSince >= 0) {
      if (this.#ports.nowUs() - upSince >= GOOD_US) this.#backoff.reset();
      this.#atOnce = this.#backoff.failures === 0 && failure.retryAfterMs === undefined;
      if (this.#atOnce) this.#backoff.next(0);
      this.#rounds = 0;
      this.#lost = server;
      this.#observer.down();
      this.#observer.event({ type: 'disconnected', reason: failure.message });
    }
    return failure;
  }

  async #pause(failure: ConnectFailure): Promise<void> {
    const us = Math.max(this.#backoff.next(this.#ports.random()), (failure.retryAfterMs ?? 0) * 1000);
    this.#observer.event({ type: 'retrying', reason: failure.message, inMs: Math.round(us / 1000) });
    await new Promise<void>((resolve) => {
      const cancel = this.#ports.after(us, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#wake = undefined;
  }
}
