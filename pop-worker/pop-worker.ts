import type { LocalOrder, WorkerState } from '#control/source.ts';
import { allocateBeat } from '#host/thread/beat.ts';
import { type DnsConfig, NO_DNS } from '#model/dns.ts';
import { NO_ROUTING, type WorkerRouting } from '#model/routing.ts';
import { wipeKeys } from '#model/wireguard-keys.ts';
import type { KernelRoutesStatus } from '#pop-worker/routing/kernel/status.ts';
import { controlJson } from './admin/control-json.ts';
import { WorkerAnycast } from './anycast/worker-anycast.ts';
import { BfdSection } from './bfd-settings.ts';
import { watchedData } from './checks-settings.ts';
import { WorkerListener } from './control-listener.ts';
import { DataPlane } from './data-plane.ts';
import { KeptOrder } from './kept-order.ts';
import { Leaving } from './leaving.ts';
import { announcedOf, fleetOf } from './nat-settings.ts';
import { NetworkChanges } from './network-changes.ts';
import { NetworkKeeper } from './network-keeper.ts';
import { OrderDesk } from './order-desk.ts';
import { type Orders, routingBy } from './orders.ts';
import { PeerRoll } from './peer-roll.ts';
import { QlogOrder } from './qlog-order.ts';
import { WorkerBfd } from './worker-bfd.ts';
import { WorkerDns } from './worker-dns.ts';
import { WorkerEdgeKeys } from './worker-edge-keys.ts';
import { WorkerMesh } from './worker-mesh.ts';
import { WorkerMetrics } from './worker-metrics.ts';
import { WorkerNotices } from './worker-notices.ts';
import type { PopWorkerParts } from './worker-parts.ts';
import { reloadFiles } from './worker-reload.ts';
import { type Found, WorkerStates } from './worker-states.ts';
import type { WireGuardKeysStatus, WorkerStatus } from './worker-status.ts';

const NO_OUTSIDE = { own: [], fleet: [] };

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
  readonly #notices: WorkerNotices;
  readonly #leaving: Leaving;
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
    draining: (isDraining) => this.#leaving.drain(isDraining),
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
      notice: (notice) => this.#notices.take(notice),
      gone: (reason) => parts.broken(reason),
    });
    this.#notices = new WorkerNotices({
      ...{ log, post: (command) => this.#data.post(command), mesh: () => this.#mesh },
      probed: (notice) => this.#anycast?.probed(notice),
      report: (event) => parts.source.report(event),
    });
    this.#leaving = new Leaving({
      ...{ data: this.#data, drainSeconds: config.drain_seconds, anycast: () => this.#anycast },
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
        ...{ log, broken: parts.broken },
        post: (command) => {
          if (command.type === 'superseded') this.#notices.superseded(command);
          this.#data.post(command);
        },
      });
    const peers =
      parts.wireguard &&
      new PeerRoll({
        ...{ most: parts.wireguard.mostPeers, threads: config.listen.threads },
        // What a control plane seals is kept, and wiped, by who opens it.
        ownsKeys: config.control === undefined,
        post: (thread, change) => this.#data.threads[thread]?.post({ type: 'wireguard-peers', ...change }),
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
        ...(peers === undefined ? [] : [peers.slots]),
        ...(this.#dns === undefined ? [] : [this.#dns.slots]),
      ],
      network,
      () => parts.routing?.status,
      (reason) => log.error('the counters of nftables cannot be read', { reason }),
    );
    this.#listener = new WorkerListener({
      ...{ threads: this.#data.threads, network: this.#network, states: this.#states, metrics: this.#metrics, log },
      ...{ mesh: this.#mesh, peers, post: (command) => this.#data.post(command), isHealthy: () => this.isHealthy() },
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
    if (this.#parts.wireguard !== undefined) wipeKeys(this.#parts.wireguard);
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

  get orders(): Orders {
    return this.#states.orders;
  }

  /** An order of before the start holds from the start on. */
  #route(): void {
    const { state, orders, hasStarted } = this.#states;
    if (hasStarted || state === 'stopping') this.#anycast?.follow(routingBy(orders, state === 'stopping'));
  }

  /** As `OrderDesk.order`. */
  order(wanted: Exclude<LocalOrder, 'undrain'>): boolean {
    return this.#desk.order(wanted);
  }

  /** As `reloadFiles`. */
  reload(): Promise<readonly string[]> {
    return reloadFiles(this.#parts, this.#data, this.#mesh, this.#edgeKeys);
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
    this.#leaving.cancel();
    if (graceMs > 0) await this.#leaving.finish(graceMs);
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
}
