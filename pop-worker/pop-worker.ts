import { setTimeout as wait } from 'node:timers/promises';
import type { JsonObject } from '@bufbuild/protobuf';
import type { ControlSource, LocalOrder, WorkerState } from '#control/source.ts';
import type { Notice } from '#dataplane/commands.ts';
import type { WireGuardSetup } from '#dataplane/wireguard/setup.ts';
import { allocateBeat } from '#host/thread/beat.ts';
import { type DnsConfig, NO_DNS } from '#model/dns.ts';
import { NO_ROUTING, type WorkerRouting } from '#model/routing.ts';
import type { WireGuardKeys } from '#model/wireguard-keys.ts';
import type { DnsDefence } from '#pop-worker/dns/setup.ts';
import type { MeshStatus } from '#pop-worker/mesh/messages.ts';
import type { BfdStatus } from '#pop-worker/routing/bfd/service.ts';
import type { BfdSessionConfig } from '#pop-worker/routing/bfd/setup.ts';
import type { KernelRoutesStatus } from '#pop-worker/routing/kernel/status.ts';
import type { Logger } from '#telemetry/logger.ts';
import { controlJson } from './admin/control-json.ts';
import { WorkerAnycast, type WorkerAnycastStatus } from './anycast/worker-anycast.ts';
import { BfdSection } from './bfd-settings.ts';
import { watchedData } from './checks-settings.ts';
import type { WorkerConfig } from './config.ts';
import { WorkerListener } from './control-listener.ts';
import { DataPlane } from './data-plane.ts';
import { KeptOrder } from './kept-order.ts';
import type { MeshConfig } from './mesh-settings.ts';
import { announcedOf, fleetOf } from './nat-settings.ts';
import type { WorkerNetwork } from './network.ts';
import { NetworkChanges } from './network-changes.ts';
import { NetworkKeeper } from './network-keeper.ts';
import { OrderDesk } from './order-desk.ts';
import { type Orders, routingBy } from './orders.ts';
import { QlogOrder } from './qlog-order.ts';
import type { TlsFiles } from './tls-files.ts';
import { WorkerBfd } from './worker-bfd.ts';
import { WorkerDns, type WorkerDnsStatus } from './worker-dns.ts';
import { WorkerEdgeKeys } from './worker-edge-keys.ts';
import { WorkerMesh } from './worker-mesh.ts';
import { WorkerMetrics } from './worker-metrics.ts';
import type { WorkerRouting as KernelRouting } from './worker-routing.ts';
import { logSite } from './worker-sites.ts';
import { type Found, WorkerStates } from './worker-states.ts';

export interface PopWorkerParts {
  readonly config: WorkerConfig;
  readonly tls: TlsFiles;
  /** Reads its files again. @throws Error with one sentence */
  readonly readTls: () => TlsFiles;
  /** Undefined: it is in no mesh. */
  readonly readMeshTls?: (() => MeshConfig['tls']) | undefined;
  /** As `nextBootEpoch` gives it. */
  readonly bootEpoch: number;
  /** Undefined: it knows of no other worker. */
  readonly mesh: MeshConfig | undefined;
  /** As `WorkerMeshParts.isNumbered`. */
  readonly isNumbered: boolean;
  readonly network: WorkerNetwork;
  /** Absent: it has no routes of its own. */
  readonly routing?: KernelRouting;
  readonly source: ControlSource;
  /** What the configuration has neighbours of BFD for. */
  readonly bfdSessions: readonly BfdSessionConfig[];
  /** By the names that neighbours of BGP have for them. */
  readonly bgpPasswords: ReadonlyMap<string, Uint8Array>;
  /** Undefined: it has no `[dns]`. */
  readonly dnsDefence: DnsDefence | undefined;
  /** Undefined: it has no `[wireguard]`. */
  readonly wireguard: WireGuardSetup | undefined;
  /** Reads the keys of `[wireguard]` again, as the worker's file names them now. @throws Error with one sentence */
  readonly readWireGuardKeys: () => WireGuardKeys;
  readonly log: Logger;
  /** A thread is gone: whatever is left must end. */
  readonly broken: (reason: string) => void;
}

/** What of WireGuard still goes by the key before the newest; devices as TENANT/DEVICE. */
interface WireGuardKeysStatus {
  /** Those that are here by it. */
  readonly byPreviousKey: readonly string[];
  /** Those of all devices whose preshared key is sealed to it. */
  readonly sealedToPreviousKey: readonly string[];
}

/** What `cloudbridge worker status` shows. */
export interface WorkerStatus {
  readonly pop: string;
  readonly worker: string;
  readonly state: WorkerState;
  /** Why it is in that state, where its own checks are the cause. */
  readonly reason?: string;
  readonly orders: Orders;
  readonly healthy: boolean;
  readonly upSeconds: number;
  readonly sessions: number;
  readonly connections: number;
  readonly tenants: number;
  /** What it knows of its control plane (`controlJson`); absent: it has none. */
  readonly control?: JsonObject;
  /** Absent: it has no `[bfd]`. */
  readonly bfd?: BfdStatus;
  /** Absent: it has no `[bgp]`. */
  readonly anycast?: WorkerAnycastStatus;
  /** Absent: it has no `[dns]`. */
  readonly dns?: WorkerDnsStatus;
  /** Absent: it has no `[mesh]`, or that does not answer. */
  readonly mesh?: MeshStatus;
}

const SESSIONS_GONE_POLL_MS = 100;
/** Neighbours have another route by then, where there is one. */
const ROUTING_MS = 100;
const NO_OUTSIDE = { own: [], fleet: [] };
const NO_KEY = new Uint8Array();

/** One worker: its threads, what the kernel does for them, and the states from start to stop. */
export class PopWorker {
  readonly #parts: PopWorkerParts;
  readonly #data: DataPlane;
  readonly #mesh: WorkerMesh | undefined;
  readonly #metrics: WorkerMetrics;
  /** Whether connections are logged. */
  readonly qlog: QlogOrder;
  #bfd: WorkerBfd | undefined;
  readonly #bgpBeat = allocateBeat();
  #anycast: WorkerAnycast | undefined;
  /** What its own checks have found, in words; undefined: all of them hold. */
  #reason: string | undefined;
  /** As `WorkerAnycast.others`. */
  #shared: ReadonlySet<string> | undefined;
  #leaving: NodeJS.Timeout | undefined;
  #routing: WorkerRouting = NO_ROUTING;
  #dns: WorkerDns | undefined;
  readonly #edgeKeys: WorkerEdgeKeys | undefined;
  #names: DnsConfig = NO_DNS;
  readonly #startedMs = performance.now();
  readonly #network: NetworkChanges;
  readonly #keeper: NetworkKeeper;
  readonly #listener: WorkerListener;
  readonly #desk: OrderDesk;
  readonly #states = new WorkerStates({
    draining: (isDraining) => this.#drain(isDraining),
    state: (state) => {
      this.#parts.log.info('state', { state });
      this.#parts.source.report({ type: 'state' });
      this.#route();
    },
    orders: () => {
      this.#parts.source.report({ type: 'state' });
      this.#route();
    },
  });

  constructor(parts: PopWorkerParts) {
    this.#parts = parts;
    const { config, network, log } = parts;
    const kept = new KeptOrder(config.state_directory, (reason) => log.warn('orders', { reason }));
    this.#desk = new OrderDesk({ states: this.#states, kept, view: () => parts.source.view(), log });
    this.#network = new NetworkChanges(network, log);
    this.#keeper = new NetworkKeeper({ changes: this.#network, log });
    this.#data = new DataPlane(parts, {
      notice: (notice) => this.#onNotice(notice),
      gone: (reason) => parts.broken(reason),
    });
    const { exchange, fence, handoff } = this.#data;
    this.#mesh =
      parts.mesh &&
      exchange &&
      fence &&
      new WorkerMesh({
        others: (shared) => {
          this.#shared = shared;
          this.#anycast?.others(shared);
        },
        ...{ config: parts.mesh, isNumbered: parts.isNumbered, exchange, fence, handoff },
        handoffPeer: (peer) => this.#data.handoffPeer(peer),
        watched: watchedData(this.#data.beats, config.checks),
        threads: config.listen.threads,
        filters: config.tun.enabled && config.tun.routed6,
        congestionControl: config.listen.congestion_control,
        ...{ log, broken: parts.broken, post: (command) => this.#data.post(command) },
      });
    this.#edgeKeys =
      parts.wireguard &&
      new WorkerEdgeKeys({
        ...{ keys: parts.wireguard, report: (event) => parts.source.report(event) },
        byPrevious: () => this.#byPreviousKey(),
      });
    this.qlog = new QlogOrder(config, (settings) => this.#data.post({ type: 'qlog', settings }));
    this.#metrics = new WorkerMetrics(
      this.#data.threads,
      () => [
        this.#keeper.slots,
        ...(this.#bfd === undefined ? [] : [this.#bfd.slots]),
        ...(this.#anycast?.slots ?? []),
        ...(this.#mesh === undefined ? [] : [this.#mesh.slots]),
        ...(this.#dns === undefined ? [] : [this.#dns.slots]),
      ],
      network,
      () => parts.routing?.status,
      (reason) => log.error('the counters of nftables cannot be read', { reason }),
    );
    this.#listener = new WorkerListener({
      ...{ threads: this.#data.threads, network: this.#network, states: this.#states, metrics: this.#metrics, log },
      ...{ mesh: this.#mesh, post: (command) => this.#data.post(command), isHealthy: () => this.isHealthy() },
      route: (routing) => {
        this.#routing = routing;
        this.#anycast?.set(routing);
        parts.routing?.overUplinks(routing.uplinks);
      },
      name: (dns) => {
        this.#names = dns;
        this.#dns?.set(dns);
      },
      drain: (by) => this.#desk.asked(by),
      current: () => this.#desk.heard(),
    });
  }

  get state(): WorkerState {
    return this.#states.state;
  }

  /** Why it is in that state, where its own checks are the cause. */
  get reason(): string | undefined {
    return this.state === 'ready' || this.state === 'failed' ? this.#reason : undefined;
  }

  /** Sockets, TUN, routes, NAT. @throws StartError, ToolError, KernelRefusal */
  async open(): Promise<void> {
    const { log } = this.#parts;
    const ready = await Promise.all(this.#data.threads.map((thread) => thread.ready));
    await this.#mesh?.ready();
    this.qlog.begin();
    for (const { fallbacks } of ready) {
      for (const feature of new Set(fallbacks)) log.warn('doing without a feature of the machine', { feature });
    }
    const { device } = ready[0] as (typeof ready)[number];
    if (device !== undefined) {
      await this.#network.up(device);
      this.#keeper.start();
    }
    await this.#parts.routing?.up();
  }

  /** Takes desired state, then serves. @throws Error of the source */
  async serve(): Promise<void> {
    this.#desk.begin();
    await this.#parts.source.start(this.#listener);
    await this.#network.settled();
    // Not before it serves: a neighbour takes Up for that.
    await this.#startBfd();
    await this.#startAnycast();
    this.#states.started();
    await this.#startDns();
  }

  async #startBfd(): Promise<void> {
    const { config, bfdSessions, log, broken } = this.#parts;
    // Neighbours of BGP want it as they come.
    if (config.bfd === undefined && config.bgp === undefined) return;
    const beats = this.#data.beats;
    this.#bfd = new WorkerBfd({
      ...{ settings: config.bfd ?? BfdSection.parse({}), checks: config.checks, sessions: bfdSessions },
      ...{ dataBeats: beats, bgpBeat: config.bgp && this.#bgpBeat, log, gone: broken },
    });
    await this.#bfd.start();
  }

  async #startAnycast(): Promise<void> {
    const { config, bgpPasswords, source, log, broken } = this.#parts;
    const { bgp: settings, checks, listen, drain_seconds: drainSeconds } = config;
    if (settings === undefined) return;
    const parts = {
      ...{ settings, checks, passwords: bgpPasswords, drainSeconds, seat: this.#bfd?.seat(), log, gone: broken },
      failedUplinks: (failed: ReadonlySet<string>) => this.#parts.routing?.without(failed),
      announces: (announces: boolean, prefixes: readonly string[]) => this.#mesh?.announces(announces, prefixes),
      found: (found: Found, reason: string | undefined) => {
        this.#reason = reason;
        this.#states.found(found);
      },
      targets: listen.addresses.map((address) => ({ address, port: listen.port })),
      ...{ dataBeats: this.#data.beats, bgpBeat: this.#bgpBeat },
      kernel: this.#kernelPath(),
      outside:
        config.nat44 === undefined ? NO_OUTSIDE : { own: announcedOf(config.nat44), fleet: fleetOf(config.nat44) },
      sessions: async () => (await this.#data.collected()).sessions,
      control: () => source.view(),
    };
    this.#states.found('starting');
    this.#anycast = new WorkerAnycast(parts, this.#routing);
    await this.#anycast.start();
    this.#anycast.others(this.#shared);
  }

  /** As `WorkerAnycastParts.kernel`. */
  #kernelPath(): ConstructorParameters<typeof WorkerAnycast>[0]['kernel'] {
    const { config, network } = this.#parts;
    if (!config.tun.enabled || !config.checks.through_kernel) return undefined;
    return {
      ...{ versions: network.probed, device: config.tun.name, keeper: this.#keeper },
      send: (nonce, versions) => this.#data.probe(nonce, versions),
    };
  }

  /** Last of all: who is led here is served. */
  async #startDns(): Promise<void> {
    const { config, dnsDefence: defence, source, log, broken } = this.#parts;
    const { pop, worker, dns: settings } = config;
    if (settings === undefined || defence === undefined) return;
    this.#dns = new WorkerDns({
      ...{ settings, defence, pop, worker, log, broken },
      serves: () => this.state === 'ready' && this.isHealthy(),
      fleet: () => source.fleet(),
      members: async () => (await this.#mesh?.status())?.peers ?? [],
    });
    this.#dns.set(this.#names);
    await this.#dns.ready();
  }

  #onNotice(notice: Notice): void {
    // Said to all, those that said it included: so all hear it in one order.
    if (notice.type === 'attached' || notice.type === 'detached') {
      this.#data.post(notice);
      this.#mesh?.notice(notice);
    }
    if (notice.type === 'probed') this.#anycast?.probed(notice);
    if (notice.type === 'qlog-failed') {
      const { path, reason } = notice;
      this.#parts.log.warn('a connection is not logged, nor may be others', { path, reason });
    }
    if (notice.type === 'fault') {
      const { ended, error } = notice;
      this.#parts.log.error('a bug of CloudBridge was met: please report it', { ended, error });
    }
    if (notice.type === 'site' || notice.type === 'no-site') this.#parts.source.report(notice);
    if (notice.type === 'site') logSite(this.#parts.log, notice);
    if (notice.type !== 'connected' && notice.type !== 'disconnected') return;
    const { type, ...fields } = notice;
    this.#parts.log.info(type === 'connected' ? 'a device connected' : 'a device disconnected', fields);
    this.#parts.source.report(notice);
  }

  get orders(): Orders {
    return this.#states.orders;
  }

  /** An order of before the start holds from the start on. */
  #route(): void {
    const { state, orders, hasStarted } = this.#states;
    if (hasStarted || state === 'stopping') this.#anycast?.follow(routingBy(orders, state === 'stopping'));
  }

  /** Devices are told to go once routing leads elsewhere: those that come back here at once would be refused. */
  #drain(isDraining: boolean): void {
    clearTimeout(this.#leaving);
    const { drain_seconds: seconds } = this.#parts.config;
    if (!isDraining) this.#data.post({ type: 'undrain' });
    else if (this.#anycast === undefined) this.#sendAway(1000 * seconds);
    else this.#leaving = setTimeout(() => this.#sendAway(1000 * seconds), ROUTING_MS);
  }

  /** @param graceMs half of it is theirs */
  #sendAway(graceMs: number): void {
    clearTimeout(this.#leaving);
    this.#data.post({ type: 'drain', withinMs: graceMs / 2 });
  }

  /** As `OrderDesk.order`. */
  order(wanted: Exclude<LocalOrder, 'undrain'>): boolean {
    return this.#desk.order(wanted);
  }

  /**
   * Reads certificate and keys again, and what the source cannot watch.
   *
   * @returns what was read, for people
   * @throws Error with one sentence; what comes after it was not read
   */
  async reload(): Promise<readonly string[]> {
    const { tls: old, readTls, readMeshTls, wireguard, readWireGuardKeys, log, source } = this.#parts;
    const tls = readTls();
    const meshTls = readMeshTls?.();
    const wireguardKeys = wireguard && readWireGuardKeys();
    this.#data.renew(tls);
    if (meshTls !== undefined) this.#mesh?.renew(meshTls);
    if (wireguardKeys !== undefined) {
      this.#data.post({ type: 'wireguard-keys', keys: wireguardKeys });
      source.setWireGuardKeys(wireguardKeys);
      this.#edgeKeys?.set(wireguardKeys);
    }
    if (Buffer.compare(old.resetKey ?? NO_KEY, tls.resetKey ?? NO_KEY) !== 0) {
      log.warn('the reset key is another one: it takes a restart');
    }
    const files = [
      'certificate and key',
      ...(tls.ticketKeys.length > 0 ? ['ticket keys'] : []),
      ...(tls.cidKeys === undefined ? [] : ['keys of connection IDs']),
      ...(meshTls === undefined ? [] : ['certificate of the mesh']),
      ...(wireguardKeys === undefined ? [] : [`${wireguardKeys.previousPrivateKey ? 'keys' : 'key'} of WireGuard`]),
    ];
    return [...files, ...(await source.reload())];
  }

  /** What `cloudbridge worker wireguard` shows. @throws Error with one sentence */
  async wireguardKeys(): Promise<WireGuardKeysStatus> {
    const { wireguard, source } = this.#parts;
    if (wireguard === undefined)
      throw new Error('nobody comes by WireGuard here: the file of the worker has no [wireguard]');
    return { byPreviousKey: await this.#byPreviousKey(), sealedToPreviousKey: source.sealedToPreviousKey() };
  }

  async #byPreviousKey(): Promise<string[]> {
    return (await Promise.all(this.#data.threads.map((thread) => thread.previousKeyDevices()))).flat();
  }

  /** What `cloudbridge worker routes` shows. @throws Error with one sentence */
  routes(): KernelRoutesStatus {
    const status = this.#parts.routing?.status;
    if (status === undefined) throw new Error('the worker has no routes of its own: its file has no [routing]');
    return status;
  }

  /** What it announces by BGP, and hears. @throws Error with one sentence when it does no BGP */
  get anycast(): WorkerAnycast {
    if (this.#anycast === undefined)
      throw new Error('the worker does no BGP: its file has no [bgp], or it has just started');
    return this.#anycast;
  }

  isHealthy(): boolean {
    return (
      this.#data.isAlive() &&
      this.#bfd?.isAlive() !== false &&
      this.#anycast?.isAlive() !== false &&
      this.#mesh?.isAlive() !== false &&
      this.#dns?.isAlive() !== false
    );
  }

  metrics(): Promise<string> {
    return this.#metrics.text(this.state, this.orders.local, this.#parts.source.view());
  }

  async status(): Promise<WorkerStatus> {
    const { sessions, connections, all } = await this.#data.collected();
    const { config, source } = this.#parts;
    const { pop, worker } = config;
    const view = source.view();
    const mesh = await this.#mesh?.status();
    return {
      pop,
      worker,
      state: this.state,
      ...(this.reason !== undefined && { reason: this.reason }),
      orders: this.orders,
      healthy: this.isHealthy() && all,
      upSeconds: Math.floor((performance.now() - this.#startedMs) / 1000),
      ...{ sessions, connections },
      tenants: this.#listener.tenantCount,
      ...(view !== undefined && { control: controlJson(view) }),
      ...(this.#bfd && { bfd: this.#bfd.status() }),
      ...(this.#anycast && { anycast: await this.#anycast.status() }),
      ...(this.#dns && { dns: this.#dns.status() }),
      ...(mesh !== undefined && { mesh }),
    };
  }

  /**
   * Drains, waits until the sessions are gone and the prefixes are withdrawn, or the time is over, then ends everything and
   * removes what it made.
   *
   * @param graceMs how long sessions may take; 0: they are ended at once
   */
  async stop(graceMs: number): Promise<void> {
    this.#states.stopping();
    this.#edgeKeys?.close();
    clearTimeout(this.#leaving);
    if (graceMs > 0) await this.#drained(graceMs);
    await this.#dns?.stop();
    await this.#anycast?.stop();
    // Neighbours send what there is elsewhere before nothing is forwarded here.
    await this.#bfd?.stop();
    await this.#mesh?.stop();
    await this.#data.stop();
    await this.#parts.source.stop().catch((error: Error) => this.#parts.log.warn('control', { reason: error.message }));
    this.#keeper.stop();
    await this.#parts.routing?.down();
    await this.#network.down();
  }

  /** As by an order to drain: routing leads elsewhere before anybody is told to go, and has the time to. */
  async #drained(graceMs: number): Promise<void> {
    const end = performance.now() + graceMs;
    if (this.#anycast?.isAnnounced === true) await wait(ROUTING_MS);
    this.#sendAway(graceMs);
    for (; performance.now() < end; await wait(SESSIONS_GONE_POLL_MS)) {
      const { sessions, connections } = await this.#data.collected();
      if (sessions + connections === 0 && this.#anycast?.isAnnounced !== true) return;
    }
  }
}
