import type { TunPacket } from '#host/tun/packet.ts';
import { type Sum, sumWords } from '#protocol/ip/checksum.ts';
import { ForwardCounters } from './counters.ts';
import { Delivery } from './delivery.ts';
import { ErrorReports, type RouterAddresses } from './error-reports.ts';
import { FromOutside } from './from-outside.ts';
import { FromSessions } from './from-sessions.ts';
import { Inward } from './inward.ts';
import type { KernelProbe } from './kernel-probe.ts';
import { Policy, type RefusedTables } from './policy.ts';
import type { EgressPort, ThreadsPort } from './ports.ts';
import type { Session } from './session.ts';
import type { TenantTable } from './tenant-table.ts';

export interface ForwarderOptions extends RouterAddresses {
  readonly tenants: TenantTable;
  readonly egress: EgressPort;
  readonly refused: RefusedTables;
  readonly sum?: Sum;
  /** Of this forwarder; 0 by default. */
  readonly thread?: number;
  /** Takes what it has sent through the kernel and what comes back. */
  readonly probe?: KernelProbe | undefined;
  /** Undefined where there is one thread. */
  readonly threads?: ThreadsPort | undefined;
  /** Threads of the data plane: who comes behind them stands for other workers. By default nobody does. */
  readonly dataThreads?: number;
}

/** Takes packets from sessions and from outside, and hands each to one session, to the outside, or to a drop counter. */
export class Forwarder {
  readonly counters = new ForwardCounters();
  readonly policy: Policy;
  readonly #delivery: Delivery;
  readonly #sessions: FromSessions;
  readonly #outside: FromOutside;

  constructor(options: ForwarderOptions) {
    const { counters } = this;
    const { tenants, egress, refused, sum = sumWords, thread = 0, threads, dataThreads = Infinity, probe } = options;
    const policy = new Policy(tenants, refused);
    const delivery = new Delivery(tenants, threads, counters);
    const errors = new ErrorReports(options, egress, delivery, counters);
    this.policy = policy;
    this.#delivery = delivery;
    this.#sessions = new FromSessions({ tenants, egress, policy, delivery, errors, counters });
    if (tenants.nat !== undefined) tenants.nat.begun = (session) => this.#sessions.translated(session);
    const inward = new Inward({ tenants, sum, delivery, errors, counters });
    this.#outside = new FromOutside({ tenants, thread, threads, dataThreads, sum, inward, probe, counters });
  }

  /** A session's device may be sent packets from now on. */
  settle(session: Session): void {
    this.#delivery.settle(session);
    this.told(session);
  }

  /** Other workers know by now where a session's device is. */
  told(session: Session): void {
    if (!session.isTold) this.#sessions.told(session);
  }

  /** A packet from a session's device, in [start, end); its headers are changed in place. */
  fromSession(session: Session, buffer: Uint8Array, start: number, end: number): void {
    this.#sessions.take(session, buffer, start, end);
  }

  /** A packet that another thread took from a session of its own, or another worker from outside, and checked, for one of ours. */
  fromThread(id: number, serial: number, buffer: Uint8Array, start: number, end: number): void {
    if (this.#outside.takeFromWorker(id, serial, buffer, start, end)) return;
    this.#sessions.takeFromThread(id, serial, buffer, start, end);
  }

  /** A packet from outside, with `HEADROOM` bytes in front; its headers are changed in place. */
  fromOutside(packet: TunPacket): void {
    this.#outside.take(packet);
  }

  /** A packet from outside that another thread read and found to be ours; otherwise as `fromOutside`. */
  fromOutsideByThread(packet: TunPacket): void {
    this.#outside.takeFromThread(packet);
  }
}
