import { Backoff } from './backoff.ts';
import { Dialer } from './dialer.ts';
import { asFailure, ConnectFailure } from './failure.ts';
import type { Carrier, Line, Link } from './link.ts';
import { lookForQuic } from './quic-again.ts';
import type { ServerAddress } from './server-address.ts';
import type { SessionObserver, SessionOptions, SessionPorts } from './session-ports.ts';
import { expiryFailure, Uptime } from './uptime.ts';

/** A session that lived so long was a good one: the next attempt need not wait. */
const GOOD_US = 5_000_000;
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
  readonly #dialer: Dialer<L>;
  #uptime: Uptime<L> | undefined;
  /** Is to take the place of that one. */
  #next: Uptime<L> | undefined;
  #wake: (() => void) | undefined;
  #stopped = false;
  #wasUp = false;
  /** A good connection was lost: the first attempt does not wait. */
  #atOnce = false;
  #token: string | undefined;
  /** How often a connection was up. */
  connections = 0;

  constructor(options: SessionOptions, ports: SessionPorts<L>, observer: SessionObserver<L>) {
    this.#options = options;
    this.#ports = ports;
    this.#observer = observer;
    this.#dialer = new Dialer(options, ports, (server) => observer.event({ type: 'connecting', server }));
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
    this.#dialer.stop();
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
    const line = await this.#dialer.reachAny();
    return line instanceof ConnectFailure ? line : this.#live(line);
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
      ticket: (data) => this.#dialer.keepTicket(server, data),
      renewed: () => this.#observer.event({ type: 'token-renewed' }),
      notRenewed: (reason) => this.#observer.event({ type: 'token-not-renewed', reason }),
    });
    if (carrier === 'tcp' && this.#options.carrier !== 'tcp') {
      const found = (): void => leaving.resolve(undefined);
      const stopLooking = lookForQuic(this.#dialer, this.#ports.after, line.target, found);
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
      const line = await this.#dialer.reachAny(isByQuic ? 'quic' : undefined);
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
      this.#dialer.lost(server);
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
