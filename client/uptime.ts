import { ageText } from '#telemetry/age.ts';
import { asFailure, ConnectFailure } from './failure.ts';
import type { Line, Link, LinkSink } from './link.ts';
import type { After } from './race.ts';
import { NoNewerToken, type TokenSource, timesOf } from './token-source.ts';

export interface UptimePorts {
  nowUs(): number;
  after: After;
  wallMs(): number;
}

export interface UptimeSink<L extends Link> {
  up(link: L): void;
  /** The edge goes out of service: the link that is up goes on until another one is. */
  leaving(): void;
  ticket(data: Uint8Array): void;
  renewed(): void;
  /** Told once of each reason until a token is renewed. */
  notRenewed(reason: string): void;
}

const CHECK_US = 200_000;
/** Nothing arrived for so long though something is owed: the server is gone. Pings go every second. */
const SILENCE_US = 2_400_000;
/** …and just after the network changed. */
const SUSPICIOUS_SILENCE_US = 1_200_000;
const SUSPICION_US = 4_000_000;
const DEAD_PROBES = 2;
/** How long the edge may take to decide about a tunnel. */
const OPEN_US = 10_000_000;
const NO_IP_TUNNELS = 'the edge takes no IP tunnels';
/** A token is renewed when this share of its life is left, or this time if that is less. */
const RENEW_SHARE = 0.2;
const RENEW_MS = 60_000;
const RENEW_AGAIN_MS = 5_000;
const FOREVER_MS = 2 ** 40;

/** Why a token cannot be used any more, as far as it says so itself. */
export const expiryFailure = (token: string, wallMs: number): ConnectFailure | undefined => {
  const { expiresAtMs } = timesOf(token);
  if (expiresAtMs === undefined || expiresAtMs > wallMs) return undefined;
  return new ConnectFailure(`the token expired ${ageText(wallMs - expiresAtMs)} ago: get a new one`, 'fatal');
};

/** One connection from the moment it is ready to its end: token, tunnel, watch, renewal. */
export class Uptime<L extends Link> implements LinkSink {
  readonly #line: Line<L>;
  readonly #tokens: TokenSource;
  readonly #tunnel: boolean;
  readonly #ports: UptimePorts;
  readonly #sink: UptimeSink<L>;
  readonly #end = Promise.withResolvers<ConnectFailure>();
  readonly #cancels = new Map<string, () => void>();
  #isOver = false;
  #isUp = false;
  /** The token that the tunnel is being opened with. */
  #asked: string | undefined;
  #token: string | undefined;
  #refreshed = false;
  /** Why the token could not be renewed, as far as it was told. */
  readonly #told = new Set<string>();
  #received = -1;
  #receivedUs: number;
  #suspiciousUntilUs = 0;

  constructor(line: Line<L>, tokens: TokenSource, tunnel: boolean, ports: UptimePorts, sink: UptimeSink<L>) {
    this.#line = line;
    this.#tokens = tokens;
    this.#tunnel = tunnel;
    this.#ports = ports;
    this.#sink = sink;
    this.#receivedUs = ports.nowUs();
    line.sink = this;
    if (line.failure === undefined) void this.#open(undefined);
    else this.end(line.failure);
  }

  get over(): Promise<ConnectFailure> {
    return this.#end.promise;
  }

  /** The link, once it may be used. */
  get link(): L | undefined {
    return this.#isUp && !this.#isOver ? this.#line.link : undefined;
  }

  /** The token that was taken last. */
  get token(): string | undefined {
    return this.#token;
  }

  end(failure: ConnectFailure): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const cancel of this.#cancels.values()) cancel();
    this.#line.link?.close();
    this.#end.resolve(failure);
  }

  networkChanged(isOurs: (address: string) => boolean): void {
    const local = this.#line.link?.localAddress();
    if (local !== undefined && !isOurs(local)) {
      this.end(new ConnectFailure(`the network changed: ${local} is no longer ours`));
      return;
    }
    this.#suspiciousUntilUs = this.#ports.nowUs() + SUSPICION_US;
  }

  tokenRefused(token: string, detail: string): void {
    if (token === this.#token) void this.#afterRefusal(detail);
  }

  // What the link tells.

  ready(): void {}

  opened(): void {
    this.#cancel('open');
    // Told again, by an edge that assigns addresses again: nothing was asked.
    if (this.#asked !== undefined) this.#take(this.#asked);
  }

  refused(status: number, detail: string, retryAfterMs: number | undefined): void {
    this.#cancel('open');
    if (status === 401) void this.#afterRefusal(detail);
    else if (status === 403)
      this.end(new ConnectFailure(`the edge refuses this device: ${detail || 'forbidden'}`, 'fatal'));
    else if (status === 501)
      this.end(new ConnectFailure(`${NO_IP_TUNNELS} (${detail}): use --socks, --http or --forward`, 'fatal-at-first'));
    else {
      const more = detail === '' ? '' : `: ${detail}`;
      this.end(
        new ConnectFailure(`the edge cannot take this device now (${status}${more})`, 'temporary', retryAfterMs),
      );
    }
  }

  leaving(): void {
    if (this.#isUp) this.#sink.leaving();
    else this.end(new ConnectFailure(`${this.#line.link?.label} goes out of service`));
  }

  ticket(data: Uint8Array): void {
    this.#sink.ticket(data);
  }

  lost(failure: ConnectFailure): void {
    this.end(failure);
  }

  async #open(refused: string | undefined): Promise<void> {
    try {
      const token = await this.#tokens.token(refused);
      if (!this.#isOver) this.#use(token);
    } catch (error) {
      this.end(asFailure(error));
    }
  }

  #use(token: string): void {
    const expired = expiryFailure(token, this.#ports.wallMs());
    if (expired !== undefined) {
      this.end(expired);
      return;
    }
    if (!this.#tunnel) {
      this.#take(token);
      return;
    }
    this.#asked = token;
    this.#set('open', OPEN_US, () => this.end(new ConnectFailure('the edge does not answer the request for a tunnel')));
    this.#watch();
    this.#line.link?.openTunnel(token);
  }

  /** A token the edge does not want may have a successor already; once. A source that fails is not the edge's refusal. */
  async #afterRefusal(detail: string): Promise<void> {
    const text = `the edge refuses the token: ${detail || 'unauthorized'}`;
    if (this.#refreshed) {
      this.end(new ConnectFailure(text, 'fatal'));
      return;
    }
    this.#refreshed = true;
    try {
      const token = await this.#tokens.token(this.#asked ?? this.#token);
      if (!this.#isOver) this.#use(token);
    } catch (error) {
      this.end(error instanceof NoNewerToken ? new ConnectFailure(text, 'fatal') : asFailure(error));
    }
  }

  #take(token: string): void {
    const renewed = this.#isUp && token !== this.#token;
    this.#token = token;
    this.#asked = undefined;
    this.#refreshed = false;
    this.#planRenewal(token);
    if (renewed) {
      this.#told.clear();
      this.#sink.renewed();
    }
    if (this.#isUp || this.#line.link === undefined) return;
    this.#isUp = true;
    this.#watch();
    this.#sink.up(this.#line.link);
  }

  #planRenewal(token: string): void {
    const { issuedAtMs, expiresAtMs } = timesOf(token);
    if (expiresAtMs === undefined) return;
    const wallMs = this.#ports.wallMs();
    const life = expiresAtMs - (issuedAtMs ?? wallMs);
    const inMs = Math.max(0, expiresAtMs - wallMs - Math.min(RENEW_MS, life * RENEW_SHARE));
    this.#set('renew', Math.min(inMs, FOREVER_MS) * 1000, () => void this.#renew());
  }

  /** Gets the next token; while there is none, the present one goes on until the edge ends it. */
  async #renew(): Promise<void> {
    const old = this.#token;
    try {
      const token = await this.#tokens.token(old);
      if (this.#isOver) return;
      if (token !== old) {
        this.#use(token);
        return;
      }
      this.#notRenewed('there is no newer one yet');
    } catch (error) {
      // The present token still counts; whoever cannot give a new one may be able to later.
      this.#notRenewed(asFailure(error).message);
    }
    this.#set('renew', RENEW_AGAIN_MS * 1000, () => void this.#renew());
  }

  #notRenewed(reason: string): void {
    if (this.#isOver || this.#told.has(reason)) return;
    this.#told.add(reason);
    this.#sink.notRenewed(reason);
  }

  #watch(): void {
    if (!this.#cancels.has('watch')) this.#set('watch', CHECK_US, () => this.#check());
  }

  /** The server is dead when nothing comes though we asked more than once. */
  #check(): void {
    const link = this.#line.link;
    if (link === undefined || this.#isOver) return;
    const now = this.#ports.nowUs();
    const received = link.packetsReceived();
    if (received !== this.#received) {
      this.#received = received;
      this.#receivedUs = now;
    }
    const limit = now < this.#suspiciousUntilUs ? SUSPICIOUS_SILENCE_US : SILENCE_US;
    if (now - this.#receivedUs >= limit && link.probeTimeouts() >= DEAD_PROBES) {
      this.end(new ConnectFailure(`${link.label} does not answer any more`));
      return;
    }
    this.#set('watch', CHECK_US, () => this.#check());
  }

  #set(name: string, us: number, callback: () => void): void {
    this.#cancel(name);
    if (this.#isOver) return;
    this.#cancels.set(
      name,
      this.#ports.after(us, () => {
        this.#cancels.delete(name);
        callback();
      }),
    );
  }

  #cancel(name: string): void {
    this.#cancels.get(name)?.();
    this.#cancels.delete(name);
  }
}
