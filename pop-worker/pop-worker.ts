import type { JsonObject } from '@bufbuild/protobuf';
import type { ControlSource, LocalOrder, WorkerState } from '#control/source.ts';
import type { Command, Notice } from '#dataplane/commands.ts';
import type { ThreadSetup } from '#dataplane/setup.ts';
import type { Logger } from '#telemetry/logger.ts';
import { controlJson } from './admin/control-json.ts';
import type { WorkerConfig } from './config.ts';
import { WorkerListener } from './control-listener.ts';
import { DataThread } from './data-thread.ts';
import type { WorkerNetwork } from './network.ts';
import { NetworkChanges } from './network-changes.ts';
import type { Orders } from './orders.ts';
import { QlogOrder } from './qlog-order.ts';
import { sharedByThreads } from './shared-by-threads.ts';
import { WorkerMetrics } from './worker-metrics.ts';
import { WorkerStates } from './worker-states.ts';

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
const NO_KEY = new Uint8Array();

/** One worker: its threads, what the kernel does for them, and the states from start to stop. */
export class PopWorker {
  readonly #parts: PopWorkerParts;
  readonly #threads: readonly DataThread[];
  readonly #metrics: WorkerMetrics;
  /** Whether connections are logged. */
  readonly qlog: QlogOrder;
  /** What its threads share where the configuration names none. */
  readonly #ticketKeys: readonly Uint8Array[];
  readonly #startedMs = performance.now();
  readonly #network: NetworkChanges;
  readonly #listener: WorkerListener;
  readonly #states = new WorkerStates({
    draining: (isDraining) => this.#post({ type: isDraining ? 'drain' : 'undrain' }),
    state: (state) => {
      this.#parts.log.info('state', { state });
      this.#parts.source.report({ type: 'state' });
    },
    orders: () => this.#parts.source.report({ type: 'state' }),
  });

  constructor(parts: PopWorkerParts) {
    this.#parts = parts;
    const { config, tls, network, log } = parts;
    this.#network = new NetworkChanges(network, log);
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
        handshakeThreads: listen.handshake_threads,
      };
      return new DataThread({ ...common, ...shared, listen: addresses, tun, proxy }, events);
    });
    this.qlog = new QlogOrder(config, (settings) => this.#post({ type: 'qlog', settings }));
    this.#metrics = new WorkerMetrics(this.#threads, network, (reason) =>
      log.error('the counters of nftables cannot be read', { reason }),
    );
    this.#listener = new WorkerListener({
      ...{ threads: this.#threads, network: this.#network, states: this.#states, metrics: this.#metrics, log },
      ...{ post: (command) => this.#post(command), isHealthy: () => this.isHealthy() },
    });
  }

  get state(): WorkerState {
    return this.#states.state;
  }

  /** Sockets, TUN, routes, NAT. @throws StartError, ToolError */
  async open(): Promise<void> {
    const { log } = this.#parts;
    const ready = await Promise.all(this.#threads.map((thread) => thread.ready));
    this.qlog.begin();
    for (const { fallbacks } of ready) {
      for (const feature of new Set(fallbacks)) log.warn('doing without a feature of the machine', { feature });
    }
    const { device } = ready[0] as (typeof ready)[number];
    if (device !== undefined) await this.#network.up(device);
  }

  /** Takes desired state, then serves. @throws Error of the source */
  async serve(): Promise<void> {
    await this.#parts.source.start(this.#listener);
    await this.#network.settled();
    this.#states.started();
  }

  #post(command: Command): void {
    for (const thread of this.#threads) thread.post(command);
  }

  #onNotice(notice: Notice): void {
    // Said to all, those that said it included: so all hear it in one order.
    if (notice.type === 'attached' || notice.type === 'detached') this.#post(notice);
    if (notice.type === 'qlog-failed') {
      const { path, reason } = notice;
      this.#parts.log.warn('a connection is not logged, nor may be others', { path, reason });
    }
    if (notice.type === 'fault') {
      const { ended, error } = notice;
      this.#parts.log.error('a bug of CloudBridge was met: please report it', { ended, error });
    }
    if (notice.type !== 'connected' && notice.type !== 'disconnected') return;
    const { type, ...fields } = notice;
    this.#parts.log.info(type === 'connected' ? 'a device connected' : 'a device disconnected', fields);
    this.#parts.source.report(notice);
  }

  get orders(): Orders {
    return this.#states.orders;
  }

  /**
   * What an operator asks for at the machine, in place of what was asked before. `drain`: no new sessions, those there
   * are told to go; `withdraw`: routing is to lead nobody here, who comes is served all the same.
   */
  order(local: LocalOrder): void {
    this.#states.order({ local });
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
    return this.#metrics.text(this.state, this.#parts.source.view());
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
      state: this.state,
      orders: this.orders,
      healthy: this.isHealthy() && collected.every((one) => one !== undefined),
      upSeconds: Math.floor((performance.now() - this.#startedMs) / 1000),
      sessions: sum('sessions'),
      connections: sum('connections'),
      tenants: this.#listener.tenantCount,
      ...(view !== undefined && { control: controlJson(view) }),
    };
  }

  /**
   * Drains, waits until the sessions are gone or the time is over, then ends everything and removes what it made.
   *
   * @param graceMs how long sessions may take; 0: they are ended at once
   */
  async stop(graceMs: number): Promise<void> {
    this.#states.stopping();
    if (graceMs > 0) await this.#drained(graceMs);
    await Promise.all(this.#threads.map((thread) => thread.stop()));
    await this.#parts.source.stop().catch((error: Error) => this.#parts.log.warn('control', { reason: error.message }));
    await this.#network.down();
  }

  async #drained(graceMs: number): Promise<void> {
    this.#post({ type: 'drain' });
    for (const end = performance.now() + graceMs; performance.now() < end; ) {
      const { sessions, connections } = await this.status();
      if (sessions + connections === 0) return;
      await new Promise((resolve) => setTimeout(resolve, SESSIONS_GONE_POLL_MS));
    }
  }
}
