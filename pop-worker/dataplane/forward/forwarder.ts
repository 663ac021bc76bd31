import type { TunPacket } from '#host/tun/packet.ts';
import { type Sum, sumWords } from '#protocol/ip/checksum.ts';
import { Fragmenter } from '#protocol/ip/fragmenter.ts';
import { IcmpError, MAX_ICMP_ERROR_BYTES, writeIcmpError } from '#protocol/ip/icmp.ts';
import { NO_ROUTE, type PrefixTable } from '#protocol/ip/prefix-table.ts';
import { clampMss, decrementHopLimit, rewriteAddress } from '#protocol/ip/rewrite.ts';
import { Segmenter } from '#protocol/ip/segmenter.ts';
import { IpFault, IpView } from '#protocol/ip/view.ts';
import type { Carriers } from './carriers.ts';
import { Drop, DropCounters } from './drop-reason.ts';
import type { RemoteSession } from './remote-sessions.ts';
import { type Session, SessionCounters } from './session.ts';
import type { TenantTable } from './tenant-table.ts';
import { UNREACHABLE } from './tenants.ts';

/** The way out of the tunnel world: packets for it are gathered where they lie until the batch is written. */
export interface EgressPort {
  /** @returns false when the queue is full */
  add(buffer: Uint8Array, view: IpView): boolean;
}

/** The way to other data-plane threads; both take a copy. @returns false when the queue there is full */
export interface ThreadsPort {
  /** A packet from a session of ours to one of theirs. */
  toSession(session: RemoteSession, buffer: Uint8Array, start: number, end: number): boolean;
  /** A packet from outside, as `fromOutside` has it. */
  toThread(thread: number, packet: TunPacket): boolean;
}

/** Destinations outside of a tenant that nobody may reach: a value above 0 refuses, 0 is an exception. */
export interface RefusedTables {
  readonly refused4: PrefixTable;
  readonly refused6: PrefixTable;
}

export interface ForwarderOptions {
  readonly tenants: TenantTable;
  readonly carriers: Carriers;
  readonly egress: EgressPort;
  readonly refused: RefusedTables;
  /** Addresses that ICMP errors come from: 4 and 16 bytes. */
  readonly router4: Uint8Array;
  readonly router6: Uint8Array;
  readonly sum?: Sum;
  /** Of this forwarder; 0 by default. */
  readonly thread?: number;
  /** Undefined where there is one thread. */
  readonly threads?: ThreadsPort | undefined;
}

/** Bytes in front of a packet that a session's link may write its own header into. */
export const HEADROOM = 64;

/** Takes packets from sessions and from outside, and hands each to one session, to the outside, or to a drop counter. */
export class Forwarder {
  readonly drops = new DropCounters();
  /** Of all sessions, also those that are over. */
  readonly totals = new SessionCounters();
  /** Packets that were cut into fragments. */
  fragmented = 0;
  /** May be replaced at any time. */
  refused: RefusedTables;
  readonly #options: ForwarderOptions;
  readonly #view = new IpView();
  readonly #segmenter: Segmenter;
  readonly #fragmenter = new Fragmenter();
  readonly #scratch = new Uint8Array(HEADROOM + MAX_ICMP_ERROR_BYTES);
  readonly #sum: Sum;

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.refused = options.refused;
    this.#sum = options.sum ?? sumWords;
    this.#segmenter = new Segmenter(this.#sum);
  }

  /** A packet from a session's device, in [start, end); its headers are changed in place. */
  fromSession(session: Session, buffer: Uint8Array, start: number, end: number): void {
    const view = this.#view;
    const fault = view.parse(buffer, start, end);
    if (fault !== IpFault.none) {
      this.#drop(session, fault - 1);
      return;
    }
    session.counters.up(end - start);
    this.totals.up(end - start);
    if (!session.ownsSource(buffer, view.sourceAt, view.addressBytes)) {
      this.#drop(session, Drop.sourceAddress);
      return;
    }
    const target =
      session.routes === undefined ? UNREACHABLE : session.routes.lookup(buffer, view.destinationAt, view.addressBytes);
    const refusal = this.#refusal(session, buffer, target);
    if (refusal >= 0) {
      this.#drop(session, refusal);
      this.#report(session, refusal === Drop.noRoute ? IcmpError.noRoute : IcmpError.prohibited, buffer, 0);
      return;
    }
    if (!decrementHopLimit(buffer, view)) {
      this.#drop(session, Drop.hopLimit);
      this.#report(session, IcmpError.hopLimitExceeded, buffer, 0);
      return;
    }
    clampMss(buffer, view, session.link.mtu());
    if (target === NO_ROUTE) this.#toOutside(session, buffer);
    else if (!this.#toRemote(target, buffer)) this.#toSession(this.#options.tenants.session(target), session, buffer);
  }

  /** Hands the packet to the thread that has the session; what is too large for it, that thread finds. */
  #toRemote(target: number, buffer: Uint8Array): boolean {
    const { tenants, threads } = this.#options;
    const remote = tenants.remote(target);
    if (remote === undefined) return false;
    const { start, end } = this.#view;
    if (threads === undefined || !threads.toSession(remote, buffer, start, end)) this.drops.count(Drop.threadQueueFull);
    return true;
  }

  /** A packet that another thread took from a session of its own and checked, for one of ours. */
  fromThread(id: number, serial: number, buffer: Uint8Array, start: number, end: number): void {
    const session = this.#options.tenants.session(id);
    const fault = this.#view.parse(buffer, start, end);
    if (fault !== IpFault.none) this.drops.count(fault - 1);
    // It went while the packet was on its way.
    else if (session?.serial !== serial) this.drops.count(Drop.noRoute);
    else this.#toSession(session, undefined, buffer);
  }

  /** Why a packet may not go where it wants to, or -1. */
  #refusal(session: Session, buffer: Uint8Array, target: number): number {
    if (target === UNREACHABLE) return Drop.noRoute;
    if (target !== NO_ROUTE) return -1;
    if (!session.egress) return Drop.egressNotAllowed;
    const view = this.#view;
    if (this.#options.tenants.isInside(buffer, view.destinationAt, view.addressBytes)) return Drop.destinationRefused;
    const refused = view.version === 4 ? this.refused.refused4 : this.refused.refused6;
    return refused.lookup(buffer, view.destinationAt) > 0 ? Drop.destinationRefused : -1;
  }

  #toOutside(session: Session, buffer: Uint8Array): void {
    const view = this.#view;
    if (view.version === 4) {
      if (session.carrier === undefined) {
        this.#drop(session, Drop.egressNotAllowed);
        return;
      }
      rewriteAddress(buffer, view, view.sourceAt, session.carrier);
    }
    if (!this.#options.egress.add(buffer, view)) this.#drop(session, Drop.tunQueueFull);
  }

  /** @param from undefined: one of another thread */
  #toSession(target: Session | undefined, from: Session | undefined, buffer: Uint8Array): void {
    const { start, end } = this.#view;
    if (target === undefined) {
      this.#drop(from, Drop.noRoute);
      return;
    }
    const mtu = target.link.mtu();
    clampMss(buffer, this.#view, mtu);
    if (end - start <= mtu) this.#deliver(target, buffer, start, end);
    else if (!this.#fragments(target, buffer, mtu)) {
      this.#drop(from, Drop.tooBig);
      if (from !== undefined) this.#report(from, IcmpError.packetTooBig, buffer, mtu);
      else this.#reportRemote(target, IcmpError.packetTooBig, buffer, mtu);
    }
  }

  #deliver(session: Session, buffer: Uint8Array, start: number, end: number): void {
    if (!session.link.send(buffer, start, end)) {
      this.#drop(session, Drop.sessionQueueFull);
      return;
    }
    session.counters.down(end - start);
    this.totals.down(end - start);
  }

  /**
   * A packet from outside. A large one that stands for many is cut to what the session's link takes.
   *
   * @param packet has `HEADROOM` bytes in front of `start`
   */
  fromOutside(packet: TunPacket): void {
    const fault = this.#view.parse(packet.buffer, packet.start, packet.end);
    if (fault !== IpFault.none) {
      this.drops.count(fault - 1);
      return;
    }
    const { thread = 0, threads } = this.#options;
    const owner = threads === undefined ? thread : this.#threadOf(packet.buffer, thread);
    if (owner === thread) this.#inward(packet);
    else if (!threads?.toThread(owner, packet)) this.drops.count(Drop.threadQueueFull);
  }

  /** A packet from outside that another thread read and found to be ours; otherwise as `fromOutside`. */
  fromOutsideByThread(packet: TunPacket): void {
    const fault = this.#view.parse(packet.buffer, packet.start, packet.end);
    if (fault === IpFault.none) this.#inward(packet);
    else this.drops.count(fault - 1);
  }

  /** The thread that a packet from outside is for; ours when nobody knows. */
  #threadOf(buffer: Uint8Array, own: number): number {
    const { tenants, carriers } = this.#options;
    const { version, destinationAt } = this.#view;
    if (version === 6) return tenants.remote(tenants.lookupUnique6(buffer, destinationAt))?.thread ?? own;
    const thread = carriers.threadOf(buffer, destinationAt);
    return thread < 0 ? own : thread;
  }

  #inward(packet: TunPacket): void {
    const view = this.#view;
    const { buffer, start, end } = packet;
    const session = this.#sessionFor(buffer);
    if (session === undefined) {
      this.drops.count(Drop.unknownCarrier);
      return;
    }
    if (!packet.isLarge && !packet.completeChecksum(this.#sum)) {
      this.#drop(session, Drop.offload);
      return;
    }
    if (!decrementHopLimit(buffer, view)) {
      this.#drop(session, Drop.hopLimit);
      this.#reportOutside(IcmpError.hopLimitExceeded, buffer, 0);
      return;
    }
    const mtu = session.link.mtu();
    clampMss(buffer, view, mtu);
    if (packet.isLarge) this.#segments(session, buffer, packet.gsoSize, mtu);
    else if (end - start <= mtu) this.#deliverInner(session, buffer);
    else if (this.#mayFragment()) {
      this.#toInner(session, buffer);
      this.#fragments(session, buffer, mtu);
    } else {
      this.#drop(session, Drop.tooBig);
      this.#reportOutside(IcmpError.packetTooBig, buffer, mtu);
    }
  }

  #sessionFor(buffer: Uint8Array): Session | undefined {
    const view = this.#view;
    const id =
      view.version === 4
        ? this.#options.carriers.lookup(buffer, view.destinationAt)
        : this.#options.tenants.lookupUnique6(buffer, view.destinationAt);
    return id < 0 ? undefined : this.#options.tenants.session(id);
  }

  #toInner(session: Session, buffer: Uint8Array): void {
    const inner = session.address4;
    if (this.#view.version === 4 && inner !== undefined)
      rewriteAddress(buffer, this.#view, this.#view.destinationAt, inner);
  }

  #deliverInner(session: Session, buffer: Uint8Array): void {
    this.#toInner(session, buffer);
    this.#deliver(session, buffer, this.#view.start, this.#view.end);
  }

  #segments(session: Session, buffer: Uint8Array, gsoSize: number, mtu: number): void {
    if (!this.#segmenter.begin(buffer, this.#view, gsoSize)) {
      this.#drop(session, Drop.offload);
      return;
    }
    if (this.#segmenter.nextBytes() > mtu && !this.#mayFragment()) {
      this.#drop(session, Drop.tooBig);
      this.#reportOutside(IcmpError.packetTooBig, buffer, mtu);
      return;
    }
    // The checksum of a large packet is only begun; every segment gets a whole one, over the new address.
    this.#toInner(session, buffer);
    // The segmenter keeps the headers that it was given.
    this.#segmenter.begin(buffer, this.#view, gsoSize);
    for (;;) {
      // A link copies what it takes, so the next segment may overwrite the end of this one.
      const bytes = this.#segmenter.nextInPlace();
      if (bytes === 0) return;
      const { start } = this.#segmenter;
      if (bytes <= mtu) this.#deliver(session, buffer, start, start + bytes);
      else if (this.#view.parse(buffer, start, start + bytes) === IpFault.none) this.#fragments(session, buffer, mtu);
    }
  }

  #mayFragment(): boolean {
    return this.#view.version === 4 && !this.#view.dontFragment;
  }

  /**
   * IPv4 without DF is fragmented (RFC 1812 §5.2.6): who sends it takes no heed of an ICMP error. Whatever else is too large is
   * dropped and reported (RFC 9484 §10.1).
   *
   * @returns false when it must not be
   */
  #fragments(session: Session, buffer: Uint8Array, mtu: number): boolean {
    if (!this.#fragmenter.begin(buffer, this.#view, mtu)) return false;
    this.fragmented++;
    for (;;) {
      const bytes = this.#fragmenter.nextInPlace();
      if (bytes === 0) return true;
      const { start } = this.#fragmenter;
      this.#deliver(session, buffer, start, start + bytes);
    }
  }

  #report(session: Session, error: IcmpError, buffer: Uint8Array, mtu: number): void {
    const from = this.#view.version === 4 ? this.#options.router4 : this.#options.router6;
    const bytes = writeIcmpError(error, buffer, this.#view, from, mtu, this.#scratch, HEADROOM);
    if (bytes > 0) this.#deliver(session, this.#scratch, HEADROOM, HEADROOM + bytes);
  }

  /** To the sender, a session of another thread, as the target's tenant has it. */
  #reportRemote(target: Session, error: IcmpError, buffer: Uint8Array, mtu: number): void {
    const { sourceAt, addressBytes, version } = this.#view;
    const sender = target.routes?.lookup(buffer, sourceAt, addressBytes) ?? UNREACHABLE;
    const from = version === 4 ? this.#options.router4 : this.#options.router6;
    const bytes = writeIcmpError(error, buffer, this.#view, from, mtu, this.#scratch, HEADROOM);
    if (bytes === 0 || this.#view.parse(this.#scratch, HEADROOM, HEADROOM + bytes) !== IpFault.none) return;
    this.#toRemote(sender, this.#scratch);
  }

  #reportOutside(error: IcmpError, buffer: Uint8Array, mtu: number): void {
    const from = this.#view.version === 4 ? this.#options.router4 : this.#options.router6;
    const out = new Uint8Array(MAX_ICMP_ERROR_BYTES);
    const bytes = writeIcmpError(error, buffer, this.#view, from, mtu, out, 0);
    if (bytes === 0 || this.#view.parse(out, 0, bytes) !== IpFault.none) return;
    if (!this.#options.egress.add(out, this.#view)) this.drops.count(Drop.tunQueueFull);
  }

  #drop(session: Session | undefined, reason: number): void {
    if (session !== undefined) session.counters.dropped++;
    this.drops.count(reason);
  }
}
