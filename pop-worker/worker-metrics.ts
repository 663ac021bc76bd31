import type { ControlView } from '#control/describe.ts';
import { writeControlMetrics } from '#control/metrics.ts';
import type { LocalOrder, WorkerState } from '#control/source.ts';
import { DROP_REASONS } from '#dataplane/forward/drop-reason.ts';
import { writeKernelMetrics } from '#pop-worker/routing/kernel/metrics.ts';
import type { KernelRoutesStatus } from '#pop-worker/routing/kernel/status.ts';
import { exposition } from '#telemetry/exposition.ts';
import { labelValues } from '#telemetry/metrics.ts';
import { allocateSlots, slotOf } from '#telemetry/slots.ts';
import type { DataThread } from './data-thread.ts';
import type { WorkerNetwork } from './network.ts';

const WORKER_STATES = labelValues('cloudbridge_worker_state_count', 'state');
const ORDERS = labelValues('cloudbridge_worker_local_order_count', 'order');
const DROPS = labelValues('cloudbridge_nat_dropped_packets_total', 'reason');

/** Packets that devices sent and got, and those that went nowhere. */
export interface Traffic {
  readonly packetsUp: bigint;
  readonly packetsDown: bigint;
  readonly packetsDropped: bigint;
}

const UP = slotOf('cloudbridge_forward_packets_total', { direction: 'up' });
const DOWN = slotOf('cloudbridge_forward_packets_total', { direction: 'down' });
const RESIDENT = slotOf('cloudbridge_worker_resident_bytes', {});
const DROPPED = DROP_REASONS.map((reason) => slotOf('cloudbridge_forward_dropped_packets_total', { reason }));

/** What `/metrics` of a worker shows: its threads' slots and its own. */
export class WorkerMetrics {
  readonly #threads: readonly DataThread[];
  readonly #routing: () => readonly Float64Array[];
  readonly #network: WorkerNetwork;
  readonly #routes: () => KernelRoutesStatus | undefined;
  readonly #onFailure: (reason: string) => void;
  readonly #slots = allocateSlots();
  readonly #startedMs = Date.now();
  #failure: string | undefined;

  /** @param routing counters of BFD, BGP and anycast, as far as there are any @param onFailure why the kernel's counters cannot be read: told when it begins, or changes */
  constructor(
    threads: readonly DataThread[],
    routing: () => readonly Float64Array[],
    network: WorkerNetwork,
    routes: () => KernelRoutesStatus | undefined,
    onFailure: (reason: string) => void,
  ) {
    this.#threads = threads;
    this.#routing = routing;
    this.#routes = routes;
    this.#network = network;
    this.#onFailure = onFailure;
  }

  /** @param view of the control plane; undefined: there is none */
  async text(state: WorkerState, local: LocalOrder, view: ControlView | undefined): Promise<string> {
    await Promise.all([this.#collectNat(), ...this.#threads.map((thread) => thread.collect())]);
    for (const name of WORKER_STATES) {
      this.#slots[slotOf('cloudbridge_worker_state_count', { state: name })] = name === state ? 1 : 0;
    }
    for (const order of ORDERS) {
      this.#slots[slotOf('cloudbridge_worker_local_order_count', { order })] = order === local ? 1 : 0;
    }
    const routes = this.#routes();
    if (routes !== undefined) writeKernelMetrics(this.#slots, routes);
    this.#slots[RESIDENT] = process.memoryUsage.rss();
    writeControlMetrics(this.#slots, view, this.#startedMs, Date.now());
    const ofThreads = this.#threads.map(({ slots }) => slots);
    return exposition([this.#slots, ...ofThreads, ...this.#routing()]);
  }

  /** Inner packets of all threads since they started. */
  traffic(): Traffic {
    const sum = (at: readonly number[]): bigint =>
      BigInt(this.#threads.reduce((total, { slots }) => at.reduce((all, slot) => all + (slots[slot] ?? 0), total), 0));
    return { packetsUp: sum([UP]), packetsDown: sum([DOWN]), packetsDropped: sum(DROPPED) };
  }

  async #collectNat(): Promise<void> {
    try {
      const counters = await this.#network.counters();
      this.#failure = undefined;
      if (counters === undefined) return;
      this.#slots[slotOf('cloudbridge_nat_connections_total', {})] = counters.connections;
      for (const reason of DROPS) {
        this.#slots[slotOf('cloudbridge_nat_dropped_packets_total', { reason })] = counters[reason];
      }
    } catch (error) {
      // What was counted stays.
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== this.#failure) this.#onFailure(reason);
      this.#failure = reason;
    }
  }
}
