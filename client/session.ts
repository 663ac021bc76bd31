import { Backoff } from './backoff.ts';
import { asFailure, ConnectFailure } from './failure.ts';
import type { Carrier, DialTarget, Line, Link, LinkSink } from './link.ts';
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
  | {
      readonly type: 'connected';
      readonly server: string;
      readonly address: string;
      readonly carrier: Carrier;
      readonly resumed: boolean;
    }
  | { readonly type: 'disconnected'; readonly reason: string }
  | { readonly type: 'retrying'; readonly reason: string; readonly inMs: number }
  | { readonly type: 'token-renewed' }
  /** The present token goes on until it ends; trying goes on too. Once for each reason. */
  | { readonly type: 'token-not-renewed'; readonly reason: string };

export interface SessionObserver<L extends Link> {
  event(event: SessionEvent): void;
  /** Packets and streams go there from now on. */
  up(link: L): void;
  /** …and nowhere. Not called where another link takes the place of one: that comes by `up` alone. */
  down(): void;
}

export interface SessionOptions {
  /** Tried in this order, each round from the first; just after a connection was lost, its server comes last. */
  readonly servers: readonly ServerAddress[];
  readonly tokens: TokenSource;
  /** Whether an IP tunnel is wanted; otherwise the session is up as soon as the edge is ready. */
  readonly tunnel: boolean;
  /** `auto`, the default: TCP where QUIC is not ready soon, and QUIC again once it gets through. */
  readonly carrier?: Carrier | 'auto';
}

/** A session that lived so long was a good one: the next attempt need not wait. */
const GOOD_US = 5_000_000;
/** TCP is tried too when QUIC is not ready after a first packet and its repetition (RFC 9002 §6.2.2), and a bit. */
const TCP_AFTER_US = 1_500_000;
/** …and where TCP was needed before. */
const TCP_AGAIN_AFTER_US = 250_000;
/** How often one who is connected by TCP looks whether QUIC gets through. */
const QUIC_AGAIN_US = 300_000_000;
/** Addresses that are known already are tried when the resolver takes longer. */
const RESOLVE_US = 500_000;
/** What was under way on a connection comes in for so long after another one took its place. */
const LINGER_US = 300_000;
/** Between two tries to connect anew while a connection that is to end still goes on. */
const REPLACE_US = 200_000;
/** So often by QUIC alone, where that gets through: an edge that drains refuses until routing leads elsewhere. */
const REPLACE_BY_QUIC = 10;

/** One connection from the moment it is ready. */
interface Life<L extends Link> {
  readonly server: ServerAddress;
  readonly carrier: Carrier;
  readonly uptime: Uptime<L>;
  /** Its edge goes out of service. */
  readonly leaving: Promise<undefined>;
  readonly up: Promise<undefined>;
  /** In microseconds; negative: it was never up. */
  upSince: number;
}

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
  /** Servers that were reached by TCP alone. */
  readonly #byTcp = new Set<string>();
  #uptime: Uptime<L> | undefined;
  /** Is to take the place of that one. */
  #next: Uptime<L> | undefined;
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
    this.#next?.end(new ConnectFailure('stopped'));
    this.#wake?.();
  }

  /**
   * Addresses of this machine came or went: a connection that may hang is looked at closely, a pause ends.
   *
   * @param isOurs whether the machine still has an address
   */
  networkChanged(isOurs: (address: string) => boolean): void {
    this.#uptime?.networkChanged(isOurs);
    this.#next?.networkChanged(isOurs);
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
    const line = await this.#reachAny();
    return line instanceof ConnectFailure ? line : this.#live(line);
  }

  /** @param carrier nothing but this one */
  async #reachAny(carrier?: Carrier): Promise<Line<L> | ConnectFailure> {
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
    this.#observer.event({ type: 'connecting', server: server.authority });
    const addresses = await this.#resolve(server.host);
    if (addresses instanceof ConnectFailure) return addresses;
    if (this.#stopped) return new ConnectFailure('stopped');
    const carrier = only ?? this.#options.carrier ?? 'auto';
    const afterUs = this.#byTcp.has(server.authority) ? TCP_AGAIN_AFTER_US : TCP_AFTER_US;
    const byTcp = this.#targets(server, addresses, 'tcp');
    if (carrier === 'tcp') this.#race = this.#start(byTcp);
    else {
      const later = carrier === 'auto' ? { targets: byTcp, afterUs } : undefined;
      this.#race = this.#start(this.#targets(server, addresses, 'quic'), later);
    }
    const result = await this.#race.result;
    this.#race = undefined;
    if (!(result instanceof ConnectFailure))
      this.#byTcp[result.target.carrier === 'tcp' ? 'add' : 'delete'](server.authority);
    return result;
  }

  #targets(server: ServerAddress, addresses: readonly string[], carrier: Carrier): DialTarget[] {
    const ticket = carrier === 'quic' ? this.#tickets.get(server.authority) : undefined;
    const cautious = this.#rounds % 2 === 0;
    return interleave(addresses).map((address) => ({ server, address, carrier, ticket, cautious }));
  }

  #start(targets: readonly DialTarget[], later?: { targets: readonly DialTarget[]; afterUs: number }): Race<L> {
    return new Race<L>({
      targets,
      ...(later && { later }),
      dial: (target, sink) => this.#ports.dial(target, sink),
      after: this.#ports.after,
      ticket: (target, data) => this.#tickets.set(target.server.authority, data),
    });
  }

  /** One who is connected by TCP for want of QUIC changes over once that gets through. @returns ends it */
  #lookForQuic(target: DialTarget, found: () => void): () => void {
    let race: Race<L> | undefined;
    let isOver = false;
    let cancel = (): void => {};
    const look = async (): Promise<void> => {
      race = this.#start([{ ...target, carrier: 'quic', ticket: this.#tickets.get(target.server.authority) }]);
      const result = await race.result;
      race = undefined;
      if (!(result instanceof ConnectFailure)) result.link?.close();
      if (isOver) return;
      if (result instanceof ConnectFailure) plan();
      else found();
    };
    const plan = (): void => {
      cancel = this.#ports.after(QUIC_AGAIN_US, () => void look());
    };
    plan();
    return () => {
      isOver = true;
      cancel();
      race?.cancel();
    };
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

  /** A connection's whole life, and that of those that take its place without a break. */
  async #live(first: Line<L>): Promise<ConnectFailure> {
    let life = this.#begin(first);
    this.#uptime = life.uptime;
    for (;;) {
      const over = await Promise.race([life.uptime.over, life.leaving]);
      const next = over === undefined ? await this.#replace(life) : undefined;
      if (next === undefined) return this.#end(life, await life.uptime.over);
      life = next;
    }
  }

  #begin(line: Line<L>): Life<L> {
    const { server, carrier } = line.target;
    const leaving = Promise.withResolvers<undefined>();
    const up = Promise.withResolvers<undefined>();
    const uptime = new Uptime<L>(line, this.#options.tokens, this.#options.tunnel, this.#ports, {
      up: (link) => {
        life.upSince = this.#ports.nowUs();
        this.#wasUp = true;
        this.connections++;
        this.#uptime = uptime;
        const { label } = link;
        this.#observer.event({
          type: 'connected',
          server: server.authority,
          address: label,
          carrier,
          resumed: line.resumed,
        });
        this.#observer.up(link);
        up.resolve(undefined);
      },
      leaving: () => leaving.resolve(undefined),
      ticket: (data) => this.#tickets.set(server.authority, data),
      renewed: () => this.#observer.event({ type: 'token-renewed' }),
      notRenewed: (reason) => this.#observer.event({ type: 'token-not-renewed', reason }),
    });
    if (carrier === 'tcp' && this.#options.carrier !== 'tcp') {
      const stopLooking = this.#lookForQuic(line.target, () => leaving.resolve(undefined));
      void uptime.over.then(stopLooking);
    }
    const life: Life<L> = { server, carrier, uptime, leaving: leaving.promise, up: up.promise, upSince: -1 };
    return life;
  }

  /**
   * An edge goes out of service: connects anew while the old connection goes on, which ends once the new one is up.
   *
   * @returns undefined when the old one ended before
   */
  async #replace(old: Life<L>): Promise<Life<L> | undefined> {
    let isOver = false;
    void old.uptime.over.then(() => {
      isOver = true;
    });
    for (let tries = 0; !this.#stopped && !isOver; tries++) {
      const isByQuic = old.carrier === 'quic' && tries < REPLACE_BY_QUIC;
      const line = await this.#reachAny(isByQuic ? 'quic' : undefined);
      if (!(line instanceof ConnectFailure)) {
        const next = this.#begin(line);
        this.#next = next.uptime;
        const failure = await Promise.race([next.up, next.uptime.over]);
        this.#next = undefined;
        if (failure === undefined) {
          this.#ports.after(LINGER_US, () => old.uptime.end(new ConnectFailure('another connection took its place')));
          return next;
        }
      }
      if (!this.#stopped && !isOver) await new Promise<void>((resolve) => this.#ports.after(REPLACE_US, resolve));
    }
    return undefined;
  }

  #end({ server, upSince }: Life<L>, failure: ConnectFailure): ConnectFailure {
    this.#token = this.#uptime?.token ?? this.#token;
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
