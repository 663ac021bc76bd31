import type { JsonObject } from '@bufbuild/protobuf';
import type {
  Assessment,
  ControlListener,
  ControlSource,
  LocalOrder,
  Outlook,
  Revocation,
  WorkerCondition,
  WorkerState,
} from '#control/source.ts';
import type { Command, Notice } from '#dataplane/commands.ts';
import type { ThreadSetup } from '#dataplane/setup.ts';
import { parsePrefix } from '#protocol/ip/text.ts';
import type { Logger } from '#telemetry/logger.ts';
import { controlJson } from './admin/control-json.ts';
import type { WorkerConfig } from './config.ts';
import { DataThread } from './data-thread.ts';
import type { WorkerNetwork } from './network.ts';
import { NO_ORDERS, type Orders, stateBy } from './orders.ts';
import { sharedByThreads } from './shared-by-threads.ts';
import { WorkerMetrics } from './worker-metrics.ts';

export interface PopWorkerParts {
  readonly config: WorkerConfig;
  readonly tls: ThreadSetup['tls'];
  /** Reads its files again. @throws Error with one sentence */
  readonly readTls: () => ThreadSetup['tls'];
  readonly network: WorkerNetwork;
  readonly source: ControlSource;
  readonly log: Logger;
  /** A data-plane thread is gone: whatever is left must end. */
  readonly broken: (reason: string) => void;
}

/** What `cloudbridge worker status` shows. */
export interface WorkerStatus {
  readonly pop: string;
  readonly worker: string;
  readonly state: WorkerState;
  readonly orders: Orders;
  readonly healthy: boolean;
  readonly upSeconds: number;
  readonly sessions: number;
  readonly connections: number;
  readonly tenants: number;
  /** What it knows of its control plane (`controlJson`); absent: it has none. */
  readonly control?: JsonObject;
}

const SESSIONS_GONE_POLL_MS = 100;
const NETWORK_DOWN_MS = 5000;
const NO_KEY = new Uint8Array();

/** One worker: its threads, what the kernel does for them, and the states from start to stop. */
export class PopWorker implements ControlListener {
  readonly #parts: PopWorkerParts;
  readonly #threads: readonly DataThread[];
  readonly #metrics: WorkerMetrics;
  /** What its threads share where the configuration names none. */
  readonly #ticketKeys: readonly Uint8Array[];
  readonly #startedMs = performance.now();
  readonly #tenants = new Set<string>();
  #state: WorkerState = 'starting';
  #orders: Orders = NO_ORDERS;
  #isDraining = false;
  /** Changes of the kernel's tables, one after the other. */
  #networkWork: Promise<unknown> = Promise.resolve();

  constructor(parts: PopWorkerParts) {
    this.#parts = parts;
    const { config, tls, network } = parts;
    const { tun, proxy, listen } = config;
    const events = {
      notice: (notice: Notice) => this.#onNotice(notice),
      gone: (reason: string) => parts.broken(reason),
    };
    const shared = sharedByThreads(config, tls);
    this.#ticketKeys = shared.tls.ticketKeys;
    this.#threads = Array.from({ length: listen.threads }, (_, index) => {
      const addresses = listen.addresses.map((address) => ({ address, port: listen.port }));
      const common = {
        worker: config.worker,
        index,
        threads: listen.threads,
        congestionControl: listen.congestion_control,
      };
      return new DataThread({ ...common, ...shared, listen: addresses, tun, proxy }, events);
    });
    this.#metrics = new WorkerMetrics(this.#threads, network, (reason) =>
      parts.log.error('the counters of nftables cannot be read', { reason }),
    );
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** Sockets, TUN, routes, NAT. @throws StartError, ToolError */
  async open(): Promise<void> {
    const { network, log } = this.#parts;
    const ready = await Promise.all(this.#threads.map((thread) => thread.ready));
    for (const { fallbacks } of ready) {
      for (const feature of new Set(fallbacks)) log.warn('doing without a feature of the machine', { feature });
    }
    const { device } = ready[0] as (typeof ready)[number];
    if (device === undefined) return;
    const up = this.#networkWork.then(() => network.up(device));
    this.#networkWork = up.catch(() => {});
    await up;
  }

  /** Takes desired state, then serves. @throws Error of the source */
  async serve(): Promise<void> {
    await this.#parts.source.start(this);
    await this.#networkWork;
    // It may have been told to stop meanwhile.
    if (this.#state === 'starting') this.#become(stateBy(this.#orders));
  }

  // What the control source tells.

  tenant(tenant: string, told: readonly string[]): void {
    const prefixes = this.#readable(told, { tenant });
    if (prefixes.length === 0) this.#tenants.delete(tenant);
    else this.#tenants.add(tenant);
    this.#networkWork = this.#networkWork
      .then(() => this.#parts.network.setTenant(tenant, prefixes))
      .catch((error: Error) => this.#parts.log.error('a tenant has no way out', { tenant, reason: error.message }));
    this.#post({ type: 'tenant', tenant, prefixes });
  }

  keys(jwks: string, issuer: string): void {
    this.#post({ type: 'keys', jwks, issuer });
  }

  refused(prefixes: readonly string[]): void {
    const known = this.#readable(prefixes, { refused: true });
    const { log, network } = this.#parts;
    this.#networkWork = this.#networkWork
      .then(() => network.setRefused(known))
      .catch(({ message }: Error) => log.error('destinations are not refused by the kernel', { reason: message }));
    this.#post({ type: 'refused', prefixes: known });
  }

  current(isCurrent: boolean): void {
    this.#post({ type: 'current', isCurrent });
  }

  /** What the data plane can work with; the rest is told. */
  #readable(prefixes: readonly string[], of: object): string[] {
    const known = prefixes.filter((prefix) => parsePrefix(prefix) !== undefined);
    if (known.length < prefixes.length) this.#parts.log.error('some of these are no prefixes', { prefixes, ...of });
    return known;
  }

  revoke(revocation: Revocation): void {
    this.#post({ type: 'revoke', revocation });
  }

  reinstate(revocation: Revocation): void {
    this.#post({ type: 'reinstate', revocation });
  }

  setDrain(drain: boolean): void {
    this.#order({ ...this.#orders, controlPlane: drain ? 'drain' : 'serve' });
  }

  async assess({ tenants, refused }: Outlook): Promise<Assessment> {
    const readable = [...tenants].map(([tenant, prefixes]) => [tenant, this.#readable(prefixes, { tenant })] as const);
    const outlook = { tenants: new Map(readable), refused: this.#readable(refused, { refused: true }) };
    const all = await Promise.all(this.#threads.map((thread) => thread.assess(outlook)));
    const sum = (key: keyof Assessment): number => all.reduce((total, one) => total + one[key], 0);
    return { tunnels: sum('tunnels'), cut: sum('cut') };
  }

  /** Packets are as of the last collection, which this asks for anew. */
  condition(): WorkerCondition {
    for (const thread of this.#threads) void thread.collect();
    const { local: localOrder } = this.#orders;
    return { state: this.#state, healthy: this.isHealthy(), localOrder, ...this.#metrics.traffic() };
  }

  revocations(revocations: readonly Revocation[]): void {
    this.#post({ type: 'revocations', revocations });
  }

  #post(command: Command): void {
    for (const thread of this.#threads) thread.post(command);
  }

  #onNotice(notice: Notice): void {
    // Said to all, those that said it included: so all hear it in one order.
    if (notice.type === 'attached' || notice.type === 'detached') this.#post(notice);
    if (notice.type === 'fault') {
      const { ended, error } = notice;
      this.#parts.log.error('a bug of CloudBridge was met: please report it', { ended, error });
    }
    if (notice.type !== 'connected' && notice.type !== 'disconnected') return;
    const { type, ...fields } = notice;
    this.#parts.log.info(type === 'connected' ? 'a device connected' : 'a device disconnected', fields);
    this.#parts.source.report(notice);
  }

  #become(state: WorkerState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#parts.log.info('state', { state });
    this.#parts.source.report({ type: 'state' });
  }

  #order(orders: Orders): void {
    const changed = orders.local !== this.#orders.local;
    this.#orders = orders;
    if (this.#state === 'stopping') return;
    const state = stateBy(orders);
    const isDraining = state === 'draining';
    if (isDraining !== this.#isDraining) this.#post({ type: isDraining ? 'drain' : 'undrain' });
    this.#isDraining = isDraining;
    if (this.#state !== 'starting' && this.#state !== state) this.#become(state);
    else if (changed) this.#parts.source.report({ type: 'state' });
  }

  get orders(): Orders {
    return this.#orders;
  }

  /**
   * What an operator asks for at the machine, in place of what was asked before. `drain`: no new sessions, those there
   * are told to go; `withdraw`: routing is to lead nobody here, who comes is served all the same.
   */
  order(local: LocalOrder): void {
    this.#order({ ...this.#orders, local });
  }

  /**
   * Reads certificate and keys again, and what the source cannot watch.
   *
   * @returns what was read, for people
   * @throws Error with one sentence; what comes after it was not read
   */
  async reload(): Promise<readonly string[]> {
    const { tls: old, readTls, log, source } = this.#parts;
    const { certificate, key, ticketKeys, resetKey } = readTls();
    this.#post({
      type: 'tls',
      tls: { certificate, key, ticketKeys: ticketKeys.length > 0 ? ticketKeys : this.#ticketKeys },
    });
    if (Buffer.compare(old.resetKey ?? NO_KEY, resetKey ?? NO_KEY) !== 0) {
      log.warn('the reset key is another one: it takes a restart');
    }
    const files = ticketKeys.length > 0 ? ['certificate and key', 'ticket keys'] : ['certificate and key'];
    return [...files, ...(await source.reload())];
  }

  isHealthy(): boolean {
    return this.#threads.every((thread) => thread.isAlive(Date.now()));
  }

  metrics(): Promise<string> {
    return this.#metrics.text(this.#state, this.#parts.source.view());
  }

  async status(): Promise<WorkerStatus> {
    const collected = await Promise.all(this.#threads.map((thread) => thread.collect()));
    const sum = (key: 'sessions' | 'connections') => collected.reduce((total, one) => total + (one?.[key] ?? 0), 0);
    const { config, source } = this.#parts;
    const { pop, worker } = config;
    const view = source.view();
    return {
      pop,
      worker,
      state: this.#state,
      orders: this.#orders,
      healthy: this.isHealthy() && collected.every((one) => one !== undefined),
      upSeconds: Math.floor((performance.now() - this.#startedMs) / 1000),
      sessions: sum('sessions'),
      connections: sum('connections'),
      tenants: this.#tenants.size,
      ...(view !== undefined && { control: controlJson(view) }),
    };
  }

  /**
   * Drains, waits until the sessions are gone or the time is over, then ends everything and removes what it made.
   *
   * @param graceMs how long sessions may take; 0: they are ended at once
   */
  async stop(graceMs: number): Promise<void> {
    this.#become('stopping');
    if (graceMs > 0) await this.#drained(graceMs);
    await Promise.all(this.#threads.map((thread) => thread.stop()));
    await this.#parts.source.stop().catch((error: Error) => this.#parts.log.warn('control', { reason: error.message }));
    await this.#downInTime();
  }

  async #drained(graceMs: number): Promise<void> {
    this.#post({ type: 'drain' });
    for (const end = performance.now() + graceMs; performance.now() < end; ) {
      const { sessions, connections } = await this.status();
      if (sessions + connections === 0) return;
      await new Promise((resolve) => setTimeout(resolve, SESSIONS_GONE_POLL_MS));
    }
  }

  async #downInTime(): Promise<void> {
    const { network, log } = this.#parts;
    const down = this.#networkWork.then(() => network.down());
    const late = new Promise((resolve) => setTimeout(resolve, NETWORK_DOWN_MS).unref());
    await Promise.race([down, late]).catch((error: Error) => log.error('nftables', { reason: error.message }));
  }
}
