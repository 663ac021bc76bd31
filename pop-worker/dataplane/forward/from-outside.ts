import type { TunPacket } from '#host/tun/packet.ts';
import type { Sum } from '#protocol/ip/checksum.ts';
import { IcmpError } from '#protocol/ip/icmp.ts';
import { clampMss, decrementHopLimit, rewriteAddress } from '#protocol/ip/rewrite.ts';
import { Segmenter } from '#protocol/ip/segmenter.ts';
import { IpFault, IpView } from '#protocol/ip/view.ts';
import type { ForwardCounters } from './counters.ts';
import { type Delivery, mayFragment } from './delivery.ts';
import { Drop } from './drop-reason.ts';
import type { ErrorReports } from './error-reports.ts';
import type { ThreadsPort } from './ports.ts';
import type { Session } from './session.ts';
import type { TenantTable } from './tenant-table.ts';

interface FromOutsideParts {
  readonly tenants: TenantTable;
  /** Of this forwarder. */
  readonly thread: number;
  /** Undefined where there is one thread. */
  readonly threads: ThreadsPort | undefined;
  readonly sum: Sum;
  readonly delivery: Delivery;
  readonly errors: ErrorReports;
  readonly counters: ForwardCounters;
}

/** Takes packets from outside, and hands each to the session that it is for, cut to what its link takes. */
export class FromOutside {
  readonly #parts: FromOutsideParts;
  readonly #view = new IpView();
  readonly #segmenter: Segmenter;

  constructor(parts: FromOutsideParts) {
    this.#parts = parts;
    this.#segmenter = new Segmenter(parts.sum);
  }

  /** @param packet has `HEADROOM` bytes in front; its headers are changed in place */
  take(packet: TunPacket): void {
    const { thread, threads, counters } = this.#parts;
    if (!this.#parse(packet)) return;
    const owner = threads === undefined ? thread : this.#threadOf(packet.buffer, thread);
    if (owner === thread) this.#toSession(packet);
    else if (!threads?.toThread(owner, packet)) counters.drop(undefined, Drop.threadQueueFull);
  }

  /** A packet that another thread read and found to be ours. */
  takeFromThread(packet: TunPacket): void {
    if (this.#parse(packet)) this.#toSession(packet);
  }

  #parse({ buffer, start, end }: TunPacket): boolean {
    const fault = this.#view.parse(buffer, start, end);
    if (fault !== IpFault.none) this.#parts.counters.drop(undefined, fault - 1);
    return fault === IpFault.none;
  }

  /** The thread that a packet is for; ours when nobody knows. */
  #threadOf(buffer: Uint8Array, own: number): number {
    const { tenants } = this.#parts;
    const { version, destinationAt } = this.#view;
    if (version === 6) return tenants.remote(tenants.lookupUnique6(buffer, destinationAt))?.thread ?? own;
    const thread = tenants.carriers.threadOf(buffer, destinationAt);
    return thread < 0 ? own : thread;
  }

  #toSession(packet: TunPacket): void {
    const view = this.#view;
    const { sum, delivery, errors, counters } = this.#parts;
    const { buffer, start, end } = packet;
    const session = this.#sessionFor(buffer);
    if (session === undefined) {
      counters.drop(undefined, Drop.unknownCarrier);
      return;
    }
    if (!packet.isLarge && !packet.completeChecksum(sum)) {
      counters.drop(session, Drop.offload);
      return;
    }
    if (!decrementHopLimit(buffer, view)) {
      counters.drop(session, Drop.hopLimit);
      errors.toOutside(IcmpError.hopLimitExceeded, buffer, view, 0);
      return;
    }
    const mtu = session.link.mtu();
    clampMss(buffer, view, mtu);
    if (packet.isLarge) this.#segments(session, buffer, packet.gsoSize, mtu);
    else if (end - start > mtu && !mayFragment(view)) this.#tooBig(session, buffer, mtu);
    else {
      this.#toInner(session, buffer);
      if (end - start <= mtu) delivery.whole(session, buffer, start, end);
      else delivery.fragments(session, buffer, view, mtu);
    }
  }

  #sessionFor(buffer: Uint8Array): Session | undefined {
    const { tenants } = this.#parts;
    const { version, destinationAt } = this.#view;
    const id =
      version === 4 ? tenants.carriers.lookup(buffer, destinationAt) : tenants.lookupUnique6(buffer, destinationAt);
    return id < 0 ? undefined : tenants.session(id);
  }

  /** The device's own address comes in place of what stands for it outside. */
  #toInner({ address4 }: Session, buffer: Uint8Array): void {
    const view = this.#view;
    if (view.version === 4 && address4 !== undefined) rewriteAddress(buffer, view, view.destinationAt, address4);
  }

  #segments(session: Session, buffer: Uint8Array, segmentBytes: number, mtu: number): void {
    const view = this.#view;
    const segmenter = this.#segmenter;
    const { delivery, counters } = this.#parts;
    if (!segmenter.begin(buffer, view, segmentBytes)) {
      counters.drop(session, Drop.offload);
      return;
    }
    if (segmenter.nextBytes() > mtu && !mayFragment(view)) {
      this.#tooBig(session, buffer, mtu);
      return;
    }
    // The checksum of a large packet is only begun; every segment gets a whole one, over the new address.
    this.#toInner(session, buffer);
    // The segmenter keeps the headers that it was given.
    segmenter.begin(buffer, view, segmentBytes);
    for (;;) {
      // A link copies what it takes, so the next segment may overwrite the end of this one.
      const bytes = segmenter.nextInPlace();
      if (bytes === 0) return;
      const { start } = segmenter;
      if (bytes <= mtu) delivery.whole(session, buffer, start, start + bytes);
      else if (view.parse(buffer, start, start + bytes) === IpFault.none)
        delivery.fragments(session, buffer, view, mtu);
    }
  }

  #tooBig(session: Session, buffer: Uint8Array, mtu: number): void {
    const { errors, counters } = this.#parts;
    counters.drop(session, Drop.tooBig);
    errors.toOutside(IcmpError.packetTooBig, buffer, this.#view, mtu);
  }
}
