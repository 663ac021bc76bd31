import type { TunPacket } from '#host/tun/packet.ts';
import type { Sum } from '#protocol/ip/checksum.ts';
import { IpFault, IpView } from '#protocol/ip/view.ts';
import type { ForwardCounters } from './counters.ts';
import { Drop } from './drop-reason.ts';
import type { Inward } from './inward.ts';
import type { KernelProbe } from './kernel-probe.ts';
import type { ThreadsPort } from './ports.ts';
import type { Session } from './session.ts';
import type { TenantTable } from './tenant-table.ts';

interface FromOutsideParts {
  readonly tenants: TenantTable;
  /** Of this forwarder. */
  readonly thread: number;
  /** Undefined where there is one thread. */
  readonly threads: ThreadsPort | undefined;
  /** Threads of the data plane: who comes behind them stands for other workers. */
  readonly dataThreads: number;
  readonly sum: Sum;
  readonly inward: Inward;
  /** Undefined: nothing is tried. */
  readonly probe: KernelProbe | undefined;
  readonly counters: ForwardCounters;
}

/** Takes packets from outside: finds out whom each is for, be it here, at another thread or at another worker. */
export class FromOutside {
  readonly #parts: FromOutsideParts;
  readonly #view = new IpView();
  /** The packet that is looked at. */
  readonly #incoming = { buffer: new Uint8Array(0) as Uint8Array, view: this.#view, segmentBytes: 0, isPool: false };

  constructor(parts: FromOutsideParts) {
    this.#parts = parts;
  }

  /** @param packet has `HEADROOM` bytes in front; its headers are changed in place */
  take(packet: TunPacket): void {
    const { thread, threads, dataThreads, tenants, counters } = this.#parts;
    if (!this.#parse(packet.buffer, packet.start, packet.end) || this.#isForged(packet.buffer)) return;
    const target = this.#target(packet.buffer);
    const remote = tenants.remote(target);
    // Of a carrier that nobody has any more the thread is known all the same.
    const owner = remote?.thread ?? this.#threadOfCarrier(packet.buffer) ?? thread;
    if (owner >= dataThreads) this.#toWorker(packet, target);
    else if (owner === thread) this.#toSession(packet, target);
    else if (!threads?.toThread(owner, packet)) counters.drop(undefined, Drop.threadQueueFull);
  }

  /** A packet that another thread read and found to be ours. */
  takeFromThread(packet: TunPacket): void {
    if (!this.#parse(packet.buffer, packet.start, packet.end)) return;
    const target = this.#target(packet.buffer);
    this.#toSession(packet, target);
  }

  /**
   * A packet that another worker got from outside, for a session of ours; whole, and one hop is off.
   *
   * @returns false when it is none: then it is a packet of another device of the tenant
   */
  takeFromWorker(id: number, serial: number, buffer: Uint8Array, start: number, end: number): boolean {
    const { tenants, inward, counters } = this.#parts;
    if (!this.#isFromOutside(buffer, start, end)) return false;
    if (!this.#parse(buffer, start, end)) return true;
    const session = tenants.session(id);
    const incoming = this.#incoming;
    incoming.segmentBytes = 0;
    if (session?.serial !== serial) counters.drop(undefined, Drop.noRoute);
    else if (session.hasMoved) {
      counters.followed++;
      inward.toWorker(this.#target(buffer), incoming);
    } else if (inward.isLetIn(session, incoming)) inward.toSession(session, incoming);
    return true;
  }

  /** What a worker hands on of another device of the tenant is none: that has been looked at there. */
  #isFromOutside(buffer: Uint8Array, start: number, end: number): boolean {
    const { tenants } = this.#parts;
    const { nat, correspondents } = tenants;
    if (end - start < 20) return false;
    if ((buffer[start] as number) >>> 4 === 4) return nat?.contains(buffer, start + 16) === true;
    return correspondents !== undefined && end - start >= 40 && !tenants.isInside(buffer, start + 8, 16);
  }

  #parse(buffer: Uint8Array, start: number, end: number): boolean {
    const view = this.#view;
    const fault = view.parse(buffer, start, end);
    if (fault !== IpFault.none) {
      this.#parts.counters.drop(undefined, fault - 1);
      return false;
    }
    const { nat } = this.#parts.tenants;
    this.#incoming.buffer = buffer;
    this.#incoming.isPool = view.version === 4 && nat?.contains(buffer, view.destinationAt) === true;
    return true;
  }

  /** Whether a packet claims to be a device's: those come by tunnels. Where the kernel filters, it finds out. */
  #isForged(buffer: Uint8Array): boolean {
    const { tenants, counters } = this.#parts;
    const { version, sourceAt } = this.#view;
    if (version === 4 || tenants.correspondents === undefined || !tenants.isInside(buffer, sourceAt, 16)) return false;
    counters.drop(undefined, Drop.unsolicited);
    return true;
  }

  /** The session that a packet is for, or where it is; -1: nobody. */
  #target(buffer: Uint8Array): number {
    const { tenants } = this.#parts;
    const { version, destinationAt } = this.#view;
    if (version === 6) return tenants.lookupUnique6(buffer, destinationAt);
    if (this.#incoming.isPool) return tenants.nat?.targetOf(buffer, this.#view) ?? -1;
    return tenants.carriers.lookup(buffer, destinationAt);
  }

  #threadOfCarrier(buffer: Uint8Array): number | undefined {
    const { version, destinationAt } = this.#view;
    if (version === 6 || this.#incoming.isPool) return undefined;
    const thread = this.#parts.tenants.carriers.threadOf(buffer, destinationAt);
    return thread < 0 ? undefined : thread;
  }

  /** What is left to be done before it may be handed on. @returns false when it cannot be: it is dropped */
  #complete(packet: TunPacket, session: Session | undefined): boolean {
    const { sum, counters } = this.#parts;
    this.#incoming.segmentBytes = packet.isLarge ? packet.gsoSize : 0;
    if (packet.isLarge ? packet.gsoSize > 0 : packet.completeChecksum(sum)) return true;
    counters.drop(session, Drop.offload);
    return false;
  }

  #toSession(packet: TunPacket, target: number): void {
    const { tenants, inward, counters, probe } = this.#parts;
    const session = target < 0 ? undefined : tenants.session(target);
    const incoming = this.#incoming;
    if (session === undefined) {
      if (probe?.take(packet.buffer, this.#view) === true) return;
      counters.drop(undefined, incoming.isPool ? Drop.natNoMapping : Drop.unknownCarrier);
    } else if (this.#complete(packet, session) && inward.isLetIn(session, incoming)) {
      if (inward.hop(incoming, session)) inward.toSession(session, incoming);
    }
  }

  #toWorker(packet: TunPacket, target: number): void {
    const { inward } = this.#parts;
    if (this.#complete(packet, undefined) && inward.hop(this.#incoming, undefined))
      inward.toWorker(target, this.#incoming);
  }
}
