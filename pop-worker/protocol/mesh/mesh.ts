import type { Random, TimeUs } from '../contract.ts';
import type { MeshCounters } from './counters.ts';
import { MeshError, MeshErrorCode } from './errors.ts';
import { InboundFrames } from './inbound-frames.ts';
import { Leases } from './leases.ts';
import { Outbound } from './outbound.ts';
import { OwnLease } from './own-lease.ts';
import { costOf, Paths } from './paths.ts';
import { Peers } from './peers.ts';
import { Gossip } from './presence/gossip.ts';
import type { DevicePast } from './presence/ticket-age.ts';
import { Probing } from './probing.ts';
import { Relays } from './relays.ts';
import { SharedPrefixes } from './shared-prefixes.ts';
import type { MeshOut, MeshSink } from './sink.ts';
import { type PeerStatus, statusOf } from './status.ts';
import { Uniform } from './uniform.ts';
import { Verdicts } from './verdicts.ts';
import type { HandoffPlace } from './wire/hello.ts';
import type { AnnouncedPrefix } from './wire/prefixes.ts';
import { UNREACHABLE_COST } from './wire/vector.ts';

const DEFAULT_MOST_RECORDS = 2_000_000;

export interface MeshOptions {
  /** Number of this worker within the mesh, 1 to 65,535. */
  readonly own: number;
  /** Higher than at any start before. */
  readonly incarnation: number;
  readonly random: Random;
  readonly sink: MeshSink;
  /** Where this worker is handed packets, for others to know. */
  readonly handoff?: HandoffPlace | undefined;
  /** Devices whose place is remembered at most. */
  readonly mostRecords?: number;
}

/** One worker's part of the mesh: leases, verdicts, paths and presence, over links that somebody else makes. */
export class Mesh {
  readonly own: number;
  readonly gossip: Gossip;
  readonly leases: Leases;
  readonly paths: Paths;
  readonly counters: Readonly<MeshCounters>;
  readonly #peers: Peers;
  readonly #uniform: Uniform;
  readonly #ownLease: OwnLease;
  readonly #verdicts: Verdicts;
  readonly #prefixes: SharedPrefixes;
  readonly #relays: Relays;
  readonly #probing: Probing;
  readonly #inbound: InboundFrames;
  readonly #outbound: Outbound;

  constructor(options: MeshOptions, now: TimeUs) {
    const { own, incarnation, handoff, random, sink, mostRecords = DEFAULT_MOST_RECORDS } = options;
    this.own = own;
    const peers = new Peers(own);
    const leases = new Leases(own);
    const paths = new Paths((member, at) => this.directCost(member, at));
    const gossip = new Gossip({
      ...{ own, sink, most: mostRecords },
      isDead: (member, at) => leases.isDead(member, at),
      knowsRevisions: (member) => peers.get(member)?.knowsRevisions === true,
      isSplit: (at) => leases.anyAccused(at),
      areApart: (a, b, at) => leases.accuses(a, b, at) || leases.accuses(b, a, at),
    });
    const counters: MeshCounters = { probesRefused: 0, relayed: 0, relayFailed: 0 };
    const uniform = new Uniform(random);
    const ownLease = new OwnLease({ peers, leases, resumed: (gapUs, at) => sink.resumed(gapUs, at) }, now);
    const verdicts = new Verdicts({ peers, leases, ownLease, gossip, sink }, now);
    const prefixes = new SharedPrefixes(peers, leases);
    const relays = new Relays({ own, peers, gossip, counters });
    const probing = new Probing({ peers, leases, ownLease, verdicts, prefixes, counters });
    const hello = { member: own, incarnation, handoff };
    this.#inbound = new InboundFrames({ peers, leases, paths, gossip, prefixes, relays, sink });
    this.#outbound = new Outbound({ hello, peers, paths, gossip, prefixes, probing, uniform, sink });
    [this.leases, this.paths, this.gossip, this.counters] = [leases, paths, gossip, counters];
    [this.#peers, this.#uniform, this.#ownLease, this.#verdicts] = [peers, uniform, ownLease, verdicts];
    [this.#prefixes, this.#relays, this.#probing] = [prefixes, relays, probing];
  }

  /** All members, ourselves included or not, as desired state has them. @throws RangeError for what cannot be one */
  setMembers(members: Iterable<number>, now: TimeUs): void {
    const wanted = this.#peers.set(members, (member) => {
      this.#prefixes.forget();
      this.paths.forget(member);
    });
    this.leases.setMembers(wanted, now);
    this.gossip.setMembers(wanted, now);
  }

  get members(): IterableIterator<number> {
    return this.#peers.numbers;
  }

  /** How often each member says that it lives. */
  get probeIntervalUs(): number {
    return this.#peers.intervalUs;
  }

  // ---- links

  /** There is a link to a member: QUIC has proved that it is one. */
  linked(member: number, now: TimeUs): void {
    this.#ownLease.turn(now);
    const peer = this.#peers.get(member);
    if (peer === undefined)
      throw new MeshError(MeshErrorCode.member, 'remote', `worker ${member} is no member of this mesh`);
    peer.link(now);
    // Probes to all members are spread over the interval.
    peer.probeAt = now + this.#uniform.below(this.#peers.intervalUs);
    peer.nextAt = now;
    this.#peers.earliest = 0;
    this.gossip.reset(member);
  }

  unlinked(member: number, now: TimeUs): void {
    this.#ownLease.turn(now);
    const peer = this.#peers.get(member);
    if (peer === undefined) return;
    peer.unlink();
    this.gossip.reset(member);
  }

  /** Whether a member may be sent frames: both sides know who the other is. */
  isReady(member: number): boolean {
    const peer = this.#peers.get(member);
    return peer?.isReady === true && peer.saidHello;
  }

  /** Whether a member may be sent filters of IPv6. */
  takesFilters(member: number): boolean {
    return this.isReady(member) && this.#peers.get(member)?.hasFilters === true;
  }

  /** Bytes of the stream from a member. @throws MeshError: the link is to be closed with its code */
  stream(member: number, bytes: Uint8Array, now: TimeUs): void {
    this.#ownLease.turn(now);
    const peer = this.#peers.get(member);
    if (peer?.isLinked === true) this.#inbound.receive(peer, bytes, now);
  }

  /** A DATAGRAM from a member that is no packet of a tenant. @throws MeshError */
  datagram(member: number, buffer: Uint8Array, start: number, end: number, now: TimeUs): void {
    this.#ownLease.turn(now);
    const peer = this.#peers.get(member);
    if (peer?.isReady === true) this.#probing.receive(peer, buffer, start, end, now);
  }

  // ---- who lives

  /** Members whose next probe should have come by now: it is worth while to ask their hosts (`refused`). */
  overdue(now: TimeUs): Iterable<number> {
    return this.#verdicts.overdue(now);
  }

  /**
   * The host of a member says that nobody is at its port (ICMP, RFC 1122 §3.2.2.1): its process is gone, or a filter is in
   * between. It is unheard with the next probe of it that does not come.
   */
  refused(member: number, now: TimeUs): void {
    this.#verdicts.refused(member, now);
  }

  /** Members that were dead when we looked last. */
  *dead(): Generator<number> {
    for (const { member, wasDead } of this.#peers) if (wasDead) yield member;
  }

  /** Whether a majority says that a member is dead: only then may it be answered for. */
  isDead(member: number, now: TimeUs): boolean {
    return this.leases.isDead(member, now);
  }

  // ---- whether we serve

  /**
   * Whether this worker serves: while it does not, it holds no lease and is dead for all others. Whoever says so must see
   * to it that nothing is sent to devices that it had, before it says the contrary.
   */
  setServing(serves: boolean, now: TimeUs): void {
    if (this.#ownLease.yields === !serves) return;
    this.#ownLease.yields = !serves;
    this.#verdicts.lookSoon(now);
    this.#peers.rouse(now, (peer) => {
      peer.probeAt = now;
    });
  }

  /** Whether a majority promises to hear us, now: on a clock that goes on while the machine sleeps (CLOCK_BOOTTIME). */
  holdsLease(now: TimeUs): boolean {
    return this.#ownLease.isHeld(now);
  }

  /** As `Leases.leaseUntil`; in the past while we serve nobody. */
  leaseUntil(): TimeUs {
    return this.#ownLease.until();
  }

  /**
   * Whether devices may be sent anything: always, but after we were stopped. Then we hold our lease first, or reach no
   * majority that could give it, a second later: a fault of the mesh must not become an outage.
   */
  mayServe(now: TimeUs): boolean {
    return this.#ownLease.mayServe(now);
  }

  // ---- devices

  /** As `Gossip.arrive`. */
  arrive(key: string, data: Uint8Array, leastEpoch: number, ticket: DevicePast | undefined, now: TimeUs): number {
    this.#ownLease.turn(now);
    return this.gossip.arrive(key, data, leastEpoch, ticket, now);
  }

  /** As `Gossip.change`. */
  change(key: string, data: Uint8Array, now: TimeUs): void {
    this.#ownLease.turn(now);
    this.gossip.change(key, data, now);
  }

  leave(key: string, now: TimeUs): void {
    this.#ownLease.turn(now);
    this.gossip.leave(key, now);
  }

  // ---- what is announced

  /** Whether we announce our prefixes, and not for want of others. */
  get announces(): boolean {
    return this.#prefixes.announces;
  }

  set announces(announces: boolean) {
    this.#prefixes.announces = announces;
  }

  /** What we announce where we do: members are told when it is other than before. */
  setPrefixes(prefixes: readonly AnnouncedPrefix[], now: TimeUs): void {
    this.#prefixes.set(prefixes, now);
  }

  /**
   * Which of our prefixes, by their places in what was set, another member that we hear announces too; undefined: nobody is
   * heard. The same array while it stays.
   */
  sharedPrefixes(now: TimeUs): readonly number[] | undefined {
    return this.#prefixes.shared(now);
  }

  // ---- ways

  /** What a member costs directly, in units of `COST_UNIT_US`. */
  directCost(member: number, now: TimeUs): number {
    const peer = this.#peers.get(member);
    if (peer === undefined || !peer.isReady || this.leases.areApart(member, now)) return UNREACHABLE_COST;
    return costOf(peer.latency.smoothedUs, peer.latency.loss);
  }

  /** Who hands on what goes to a member: 0 nobody, it goes directly; -1: there is no way. */
  via(member: number, now: TimeUs): number {
    return this.paths.via(member, now);
  }

  status(now: TimeUs): PeerStatus[] {
    return Array.from(this.#peers, (peer) => statusOf(peer, this, now));
  }

  // ---- time, and what is to be sent

  /** Time has passed. */
  run(now: TimeUs): void {
    this.#ownLease.turn(now);
    this.gossip.run(now);
    this.#verdicts.run(now);
  }

  /** Whether something that came is to be looked at without delay. */
  isDue(now: TimeUs): boolean {
    return this.#verdicts.isDue(now);
  }

  deadline(): TimeUs {
    return Math.min(this.gossip.deadline(), this.#peers.earliest, this.#verdicts.deadline());
  }

  /** Hands out all that is to be sent now. @returns whether anything was */
  poll(now: TimeUs, out: MeshOut): boolean {
    this.run(now);
    const hasRelayed = this.#relays.poll(out);
    return this.#outbound.poll(now, out) || hasRelayed;
  }
}
