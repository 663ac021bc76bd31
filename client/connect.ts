import { nowUs } from '#host/clock/clock.ts';
import { QlogRecorder, type QlogSettings } from '#host/qlog/recorder.ts';
import { fileFault } from '#telemetry/file-fault.ts';
import type { CarriedLink } from './carried-link.ts';
import { EdgeLink, LINGER_MS } from './edge-link.ts';
import type { ConnectFailure } from './failure.ts';
import type { Carrier } from './link.ts';
import type { LocalService } from './local-services.ts';
import { TUNNEL_MARK } from './netconfig.ts';
import { NetworkWatch } from './network-watch.ts';
import { resolveHost } from './resolve.ts';
import type { ServerAddress } from './server-address.ts';
import { openServices, type ServiceSettings } from './services.ts';
import { Session } from './session.ts';
import type { SessionEvent } from './session-ports.ts';
import { collect, QuicTotals, type Statistics } from './statistics.ts';
import { TcpLink } from './tcp-link.ts';
import type { TokenSource } from './token-source.ts';
import { anchorsOf, type Trust, tlsFor } from './trust.ts';
import { TunControl, type TunSettings, type TunState } from './tun-control.ts';

export interface ConnectSettings extends ServiceSettings {
  readonly servers: readonly ServerAddress[];
  readonly tokens: TokenSource;
  readonly trust: Trust;
  /** Undefined: no TUN, only local services. */
  readonly tun?: TunSettings | undefined;
  /** Undefined: `auto`. */
  readonly carrier?: Carrier | 'auto' | undefined;
  /** Congestion controller by its name; undefined: the default one. */
  readonly controller?: string | undefined;
  /** How often `statistics` events come, in seconds; 0 for never. */
  readonly statisticsSeconds?: number;
  /** Where connections are logged as qlog; undefined: nowhere. */
  readonly qlog?: QlogSettings | undefined;
}

export type ConnectEvent =
  | SessionEvent
  | ({ readonly type: 'tunnel' } & TunState)
  | { readonly type: 'listening'; readonly service: string }
  /** The log of a connection cannot be written: the first one of which that is so. */
  | { readonly type: 'not-logged'; readonly path: string; readonly reason: string }
  | ({ readonly type: 'statistics' } & Statistics);

const TICK_MS = 1000;

const after = (us: number, callback: () => void): (() => void) => {
  const timer = setTimeout(callback, us / 1000);
  return () => clearTimeout(timer);
};

const recorderOf = (
  settings: QlogSettings | undefined,
  tell: (event: ConnectEvent) => void,
): QlogRecorder | undefined => {
  if (settings === undefined) return undefined;
  const recorder = new QlogRecorder((path, error) => tell({ type: 'not-logged', path, reason: fileFault(error) }));
  recorder.start(settings);
  return recorder;
};

/** A device's connection to an edge, with everything on this machine that uses it. */
export class Client {
  readonly #settings: ConnectSettings;
  readonly #tell: (event: ConnectEvent) => void;
  readonly #session: Session<CarriedLink>;
  readonly #totals = new QuicTotals();
  readonly #qlog: QlogRecorder | undefined;
  #tun: TunControl | undefined;
  #services: readonly LocalService[] = [];
  #link: CarriedLink | undefined;
  #lastLink: CarriedLink | undefined;
  #failure: ConnectFailure | undefined;
  #waiting: (() => void)[] = [];

  /** @throws ConnectFailure when trust anchors or pins are no good */
  constructor(settings: ConnectSettings, tell: (event: ConnectEvent) => void) {
    this.#settings = settings;
    this.#tell = tell;
    const anchors = anchorsOf(settings.trust);
    const tls = tlsFor(settings.trust, anchors);
    const qlog = recorderOf(settings.qlog, tell);
    this.#qlog = qlog;
    const mark = settings.tun?.everything ? { mark: TUNNEL_MARK } : {};
    this.#session = new Session<CarriedLink>(
      {
        servers: settings.servers,
        tokens: settings.tokens,
        tunnel: settings.tun !== undefined,
        carrier: settings.carrier ?? 'auto',
      },
      {
        resolve: (host) => this.#resolve(host),
        dial: (target, sink) => {
          const packets = this.#tun === undefined ? {} : { packets: this.#tun.tunnel };
          if (target.carrier === 'tcp') return new TcpLink(target, sink, { trust: anchors, ...mark, ...packets });
          return new EdgeLink(target, sink, { tls, qlog, controller: settings.controller, ...mark, ...packets });
        },
        nowUs,
        after,
        random: Math.random,
        wallMs: Date.now,
      },
      { event: tell, up: (link) => this.#up(link), down: () => this.#down() },
    );
  }

  /** Runs until it is stopped. @throws ConnectFailure when it ends by itself */
  async run(): Promise<void> {
    const { tun, statisticsSeconds = 0 } = this.#settings;
    let watch: NetworkWatch | undefined;
    let ticks = 0;
    let timer: NodeJS.Timeout | undefined;
    try {
      if (tun !== undefined) this.#tun = await this.#openTun(tun);
      this.#services = await openServices(this.#settings, this);
      for (const { label } of this.#services) this.#tell({ type: 'listening', service: label });
      watch = new NetworkWatch(tun?.name, (isOurs) => this.#session.networkChanged(isOurs));
      timer = setInterval(() => {
        this.#tun?.followMtu();
        if (statisticsSeconds > 0 && ++ticks % statisticsSeconds === 0)
          this.#tell({ type: 'statistics', ...this.statistics() });
      }, TICK_MS);
      const failure = this.#failure ?? (await this.#session.run()) ?? this.#failure;
      if (failure !== undefined) throw failure;
    } finally {
      clearInterval(timer);
      watch?.close();
      for (const service of this.#services) service.close();
      await this.#tun?.close();
      // CONNECTION_CLOSE leaves.
      await new Promise((resolve) => setTimeout(resolve, LINGER_MS));
      await this.#qlog?.stop();
    }
  }

  /** `run` returns. */
  stop(): void {
    this.#session.stop();
  }

  statistics(): Statistics {
    const tunnel = this.#tun?.tunnel;
    return collect({
      link: this.#link,
      lastLink: this.#lastLink,
      tunnel: tunnel?.counters,
      totals: this.#totals,
      mtu: tunnel?.mtu || (tunnel?.lastMtu ?? 0),
      overflows: tunnel?.overflows ?? 0,
      connections: this.#session.connections,
    });
  }

  // What local services need (`TunnelSource`).

  current() {
    const link = this.#link;
    const { token } = this.#session;
    if (link === undefined || token === undefined) return undefined;
    return { http: link.http, authority: link.authority, token };
  }

  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  tokenRefused(token: string, detail: string): void {
    this.#session.tokenRefused(token, detail);
  }

  async #resolve(host: string): Promise<readonly string[]> {
    const addresses = await resolveHost(host);
    for (const server of this.#settings.servers) {
      if (server.host === host) await this.#tun?.expectAnswers(addresses, server.port);
    }
    return addresses;
  }

  #openTun(settings: TunSettings): Promise<TunControl> {
    return TunControl.open(settings, {
      configured: (state) => this.#tell({ type: 'tunnel', ...state }),
      failed: (failure) => {
        this.#failure ??= failure;
        this.stop();
      },
    });
  }

  #up(link: CarriedLink): void {
    // It took the place of another one.
    if (this.#link !== undefined) this.#totals.add(this.#link);
    this.#link = link;
    link.onStreamsAvailable = () => this.#tellWaiting();
    this.#tellWaiting();
  }

  #tellWaiting(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #down(): void {
    if (this.#link !== undefined) this.#totals.add(this.#link);
    this.#lastLink = this.#link ?? this.#lastLink;
    this.#link = undefined;
    this.#tun?.down();
  }
}
