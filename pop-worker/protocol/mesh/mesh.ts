import { NEVER, type Random, type TimeUs } from '../contract.ts';
import { frameError, MeshError, MeshErrorCode } from './errors.ts';
import { Leases } from './leases.ts';
import { LEAST_WINDOW_US, probeIntervalUs, windowUs } from './options.ts';
import { Passing } from './passing.ts';
import { costOf, Paths } from './paths.ts';
import { Peer } from './peer.ts';
import { Gossip } from './presence/gossip.ts';
import { readKey } from './presence/record.ts';
import type { DevicePast } from './presence/ticket-age.ts';
import type { MeshSink } from './sink.ts';
import { type PeerStatus, statusOf } from './status.ts';
import { DatagramKind, FrameType, frameOf } from './wire/frame.ts';
import {
  commonVersion,
  FILTERS_VERSION,
  type HandoffPlace,
  NEWEST_VERSION,
  OLDEST_VERSION,
  PREFIXES_VERSION,
  readHello,
  writeHello,
} from './wire/hello.ts';
import { type AnnouncedPrefix, prefixKey, readPrefixes, writePrefixes } from './wire/prefixes.ts';
import { MOST_UNHEARD, type Probe, readProbe, writeProbe } from './wire/probe.ts';
import { Reader } from './wire/reader.ts';
import { readRelay, writeRelay } from './wire/relay.ts';
import { MOST_MEMBERS, readVector, UNREACHABLE_COST, writeVector } from './wire/vector.ts';

/** Between two VECTORs to a member. */
const VECTOR_US = 1_000_000;
/** Between two comparisons with a member, and between two of which the first found something. */
const COMPARE_US = 2_000_000;
const COMPARE_AGAIN_US = 50_000;
/** Verdicts and our own lease are looked at so often at most, unless something was said of them. */
const LOOK_US = 5_000;
/** A member whose host says that it is gone is unheard after so many intervals without a probe. */
const GONE_PROBES = 1.5;
const OVERDUE_PROBES = 1.25;
/** A worker that was stopped, and reaches no majority, serves all the same after so long. */
const FAIL_STATIC_US = 1_000_000;
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

/** Where what the mesh says goes. Bytes are the receiver's to keep. */
export interface MeshOut {
  /** Whether the stream to a member takes more now. */
  room(member: number): boolean;
  stream(member: number, frame: Uint8Array): void;
  datagram(member: number, bytes: Uint8Array): void;
}

const hasFilters = ({ version = 0 }: Peer): boolean => version >= FILTERS_VERSION;

/** One worker's part of the mesh: leases, verdicts, paths and presence, over links that somebody else makes. */
export class Mesh {
  readonly own: number;
  readonly gossip: Gossip;
  readonly leases: Leases;
  readonly paths: Paths;
  /** Probes that were too many; frames from one member to another that went on, and that there was no way or no room for. */
  readonly counters = { probesRefused: 0, relayed: 0, relayFailed: 0 };
  readonly #options: MeshOptions;
  readonly #peers = new Map<number, Peer>();
  readonly #passing = new Passing();
  #intervalUs = probeIntervalUs(1);
  #holdsLease = true;
  /** When verdicts and our own lease are looked at next. */
  #lookAt: TimeUs;
  /** Whether we announce our prefixes, and not for want of others. */
  announces = false;
  #prefixes: readonly AnnouncedPrefix[] = [];
  /** How often they have changed. */
  #prefixesSet = 0;
  #shared: readonly number[] = [];
  #isSharedStale = false;
  /** Of which of our sets of prefixes that is. */
  #sharedOf = 0;
  /** We serve nobody, and say so. */
  #yields = false;
  #turn: TimeUs;
  /** Members accused by anybody since we looked. */
  readonly #suspects = new Set<number>();
  /** When the first member is to be told something. */
  #earliest: TimeUs = 0;
  #silent: ReadonlySet<number> = new Set();
  #stoppedAt: TimeUs | undefined;
  #unheardTurn = 0;

  constructor(options: MeshOptions, now: TimeUs) {
    this.#options = options;
    this.own = options.own;
    this.#lookAt = now;
    this.#turn = now;
    const { own, sink, mostRecords = DEFAULT_MOST_RECORDS } = options;
    this.leases = new Leases(own);
    this.paths = new Paths((member, at) => this.directCost(member, at));
    this.gossip = new Gossip({
      ...{ own, sink, most: mostRecords },
      isDead: (member, at) => this.leases.isDead(member, at),
      isSplit: (at) => this.leases.anyAccused(at),
      areApart: (a, b, at) => this.leases.accuses(a, b, at) || this.leases.accuses(b, a, at),
    });
  }

  /** All members, ourselves included or not, as desired state has them. @throws RangeError for what cannot be one */
  setMembers(members: Iterable<number>, now: TimeUs): void {
    const wanted = new Set(members);
    wanted.delete(this.own);
    if (wanted.size >= MOST_MEMBERS) throw new RangeError(`a mesh has ${MOST_MEMBERS} members at most`);
    for (const member of wanted) {
      if (!Number.isInteger(member) || member < 1 || member > 0xffff)
        throw new RangeError(`${member} is no member's number`);
    }
    for (const member of this.#peers.keys()) {
      if (wanted.has(member)) continue;
      this.#peers.delete(member);
      this.#isSharedStale = true;
      this.paths.forget(member);
    }
    for (const member of wanted) if (!this.#peers.has(member)) this.#peers.set(member, new Peer(member));
    this.#intervalUs = probeIntervalUs(wanted.size + 1);
    this.leases.setMembers(wanted, now);
    this.gossip.setMembers(wanted, now);
  }

  get members(): IterableIterator<number> {
    return this.#peers.keys();
  }

  // ---- links

  /** There is a link to a member: QUIC has proved that it is one. */
  linked(member: number, now: TimeUs): void {
    this.#wake(now);
    const peer = this.#peers.get(member);
    if (peer === undefined)
      throw new MeshError(MeshErrorCode.member, 'remote', `worker ${member} is no member of this mesh`);
    peer.link(now);
    // Probes to all members are spread over the interval.
    peer.probeAt = now + this.#below(this.#intervalUs);
    peer.nextAt = now;
    this.#earliest = 0;
    this.gossip.reset(member);
  }

  unlinked(member: number, now: TimeUs): void {
    this.#wake(now);
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

  /** Bytes of the stream from a member. @throws MeshError: the link is to be closed with its code */
  stream(member: number, bytes: Uint8Array, now: TimeUs): void {
    this.#wake(now);
    const peer = this.#peers.get(member);
    if (peer === undefined || !peer.isLinked) return;
    peer.splitter.push(bytes, (type, buffer, start, end) => {
      if (!peer.frames.take(1, now)) {
        throw new MeshError(MeshErrorCode.rate, 'remote', `worker ${member} sends more frames than a member may`);
      }
      this.#frame(peer, type, new Reader(buffer, start, end), now);
    });
  }

  #frame(peer: Peer, type: number, reader: Reader, now: TimeUs): void {
    if (peer.version === undefined) {
      if (type !== FrameType.hello) throw frameError(`the first frame is of type ${type}, and no HELLO`);
      this.#hello(peer, reader, now);
      return;
    }
    switch (type) {
      case FrameType.hello:
        throw frameError('a second HELLO came');
      case FrameType.vector:
        this.paths.setVector(peer.member, readVector(reader), now);
        return;
      case FrameType.relay:
        this.#relay(peer, reader, now);
        return;
      case FrameType.update:
      case FrameType.confirm:
      case FrameType.digest:
      case FrameType.have:
      case FrameType.want:
        this.gossip.receive(type, reader, peer.member, now);
        return;
      case FrameType.prefixes:
        peer.prefixes = readPrefixes(reader);
        this.#isSharedStale = true;
        return;
      case FrameType.sessions:
        this.#options.sink.sessions?.(peer.member, reader.bytes(reader.left));
        return;
      case FrameType.ask: {
        const key = readKey(reader);
        reader.done();
        this.#options.sink.asked?.(peer.member, key);
        return;
      }
      case FrameType.filters:
      case FrameType.askFilters:
        this.#filters(peer, type, reader);
        return;
      default:
        throw frameError(`frames of type ${type} are not known`);
    }
  }

  #filters(peer: Peer, type: number, reader: Reader): void {
    if (!hasFilters(peer))
      throw frameError(`frames of type ${type} are of a later version than worker ${peer.member} speaks`);
    const { sink } = this.#options;
    if (type === FrameType.filters) {
      sink.filters?.(peer.member, reader.bytes(reader.left));
      return;
    }
    const key = readKey(reader);
    reader.done();
    sink.filtersAsked?.(peer.member, key);
  }

  /** Whether a member may be sent filters of IPv6. */
  takesFilters(member: number): boolean {
    const peer = this.#peers.get(member);
    return peer !== undefined && this.isReady(member) && hasFilters(peer);
  }

  #hello(peer: Peer, reader: Reader, now: TimeUs): void {
    const hello = readHello(reader);
    peer.version = commonVersion(hello);
    peer.nextAt = 0;
    this.#earliest = 0;
    if (hello.member !== peer.member) {
      const message = `worker ${peer.member} says that it is worker ${hello.member}`;
      throw new MeshError(MeshErrorCode.member, 'remote', message);
    }
    if (hello.incarnation !== peer.incarnation) this.leases.restarted(peer.member);
    peer.incarnation = hello.incarnation;
    this.#options.sink.greeted?.(peer.member, hello.handoff, now);
  }

  #relay(peer: Peer, reader: Reader, now: TimeUs): void {
    const { from, to, type, payload } = readRelay(reader);
    if (to === this.own) {
      // A third member can say what it likes in another's name: no more than what it may say in its own.
      if (this.#peers.has(from)) this.gossip.receive(type, new Reader(payload, 0, payload.length), from, now);
      return;
    }
    if (from !== peer.member) throw frameError('a RELAY came that is not of who sent it: it would be relayed twice');
    const target = this.#peers.get(to);
    const frame = frameOf(FrameType.relay, writeRelay({ from, to, type, payload }));
    if (target?.isReady !== true || !this.#passing.add(peer, to, frame)) this.counters.relayFailed++;
  }

  /** A DATAGRAM from a member that is no packet of a tenant. @throws MeshError */
  datagram(member: number, buffer: Uint8Array, start: number, end: number, now: TimeUs): void {
    this.#wake(now);
    const peer = this.#peers.get(member);
    if (peer === undefined || !peer.isReady) return;
    if (buffer[start] !== DatagramKind.probe)
      throw frameError(`DATAGRAM frames of kind ${buffer[start]} are not known`);
    if (!peer.probes.take(1, now)) {
      this.counters.probesRefused++;
      return;
    }
    const probe = readProbe(new Reader(buffer, start + 1, end));
    if (!peer.take(probe, now)) return;
    this.#suspect(probe, member, now);
    this.leases.heard(member, probe, windowUs(peer.latency.smoothedUs, this.#intervalUs), now);
  }

  /** What a probe says of others, or of its sender, may change a verdict: that is looked at soon. */
  #suspect(probe: Probe, from: number, now: TimeUs): void {
    const { leases } = this;
    let isNews = (probe.yields === true) !== leases.yields(from);
    if (probe.yields === true) this.#suspects.add(from);
    for (const accused of probe.unheard) {
      this.#suspects.add(accused);
      isNews ||= !leases.accuses(from, accused, now);
    }
    if (isNews) this.#lookAt = now;
  }

  /** Members whose next probe should have come by now: it is worth while to ask their hosts (`refused`). */
  *overdue(now: TimeUs): Generator<number> {
    const patience = OVERDUE_PROBES * this.#intervalUs;
    for (const { member, isLinked, heardAt } of this.#peers.values())
      if (isLinked && now - heardAt > patience && this.leases.hears(member, now)) yield member;
  }

  /**
   * The host of a member says that nobody is at its port (ICMP, RFC 1122 §3.2.2.1): its process is gone, or a filter is in
   * between. It is unheard with the next probe of it that does not come.
   */
  refused(member: number, now: TimeUs): void {
    this.leases.refused(member, GONE_PROBES * this.#intervalUs);
    this.#lookAt = Math.min(this.#lookAt, Math.max(now, this.leases.nextSilence(now) + 1));
  }

  /**
   * Whether this worker serves: while it does not, it holds no lease and is dead for all others. Whoever says so must see
   * to it that nothing is sent to devices that it had, before it says the contrary.
   */
  setServing(serves: boolean, now: TimeUs): void {
    if (this.#yields === !serves) return;
    this.#yields = !serves;
    this.#lookAt = now;
    for (const peer of this.#peers.values()) {
      peer.probeAt = now;
      peer.nextAt = now;
    }
    this.#earliest = 0;
  }

  // ---- devices

  /** As `Gossip.arrive`. */
  arrive(key: string, data: Uint8Array, leastEpoch: number, ticket: DevicePast | undefined, now: TimeUs): number {
    this.#wake(now);
    return this.gossip.arrive(key, data, leastEpoch, ticket, now);
  }

  leave(key: string, now: TimeUs): void {
    this.#wake(now);
    this.gossip.leave(key, now);
  }

  // ---- what is known

  /** Whether a majority promises to hear us, now: on a clock that goes on while the machine sleeps (CLOCK_BOOTTIME). */
  holdsLease(now: TimeUs): boolean {
    return this.leaseUntil() > now;
  }

  /** As `Leases.leaseUntil`; in the past while we serve nobody. */
  leaseUntil(): TimeUs {
    return this.#yields ? 0 : this.leases.leaseUntil();
  }

  /** Members that were dead when we looked last. */
  *dead(): Generator<number> {
    for (const { member, wasDead } of this.#peers.values()) if (wasDead) yield member;
  }

  /** Whether a majority says that a member is dead: only then may it be answered for. */
  isDead(member: number, now: TimeUs): boolean {
    return this.leases.isDead(member, now);
  }

  /**
   * Whether devices may be sent anything: always, but after we were stopped. Then we hold our lease first, or reach no
   * majority that could give it, a second later: a fault of the mesh must not become an outage.
   */
  mayServe(now: TimeUs): boolean {
    this.#wake(now);
    if (this.#yields) return false;
    if (this.#stoppedAt === undefined) return true;
    const isCutOff = now - this.#stoppedAt >= FAIL_STATIC_US && !this.leases.reachesMajority(now);
    if (!isCutOff && !this.holdsLease(now)) return false;
    this.#stoppedAt = undefined;
    return true;
  }

  /** What we announce where we do: members are told when it is other than before. */
  setPrefixes(prefixes: readonly AnnouncedPrefix[], now: TimeUs): void {
    if (prefixes.map(prefixKey).join() === this.#prefixes.map(prefixKey).join()) return;
    this.#prefixes = prefixes;
    this.#prefixesSet++;
    this.#isSharedStale = true;
    for (const peer of this.#peers.values()) peer.nextAt = now;
    this.#earliest = 0;
  }

  /**
   * Which of our prefixes, by their places in what was set, another member that we hear announces too; undefined: nobody is
   * heard. The same array while it stays.
   */
  sharedPrefixes(now: TimeUs): readonly number[] | undefined {
    let hearsAnybody = false;
    for (const peer of this.#peers.values()) {
      const isHeard = !peer.wasDead && this.leases.hears(peer.member, now);
      hearsAnybody ||= isHeard;
      const isAnnouncing = isHeard && peer.announces;
      if (isAnnouncing !== peer.wasAnnouncing) this.#isSharedStale = true;
      peer.wasAnnouncing = isAnnouncing;
    }
    if (this.#isSharedStale) this.#findShared();
    return hearsAnybody ? this.#shared : undefined;
  }

  #findShared(): void {
    this.#isSharedStale = false;
    const announcing = [...this.#peers.values()].filter(({ wasAnnouncing }) => wasAnnouncing);
    const shared = this.#prefixes.flatMap((prefix, place) => {
      const key = prefixKey(prefix);
      return announcing.some(({ prefixes }) => prefixes.has(key)) ? [place] : [];
    });
    if (shared.join() !== this.#shared.join() || this.#sharedOf !== this.#prefixesSet) this.#shared = shared;
    this.#sharedOf = this.#prefixesSet;
  }

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
    return [...this.#peers.values()].map((peer) => statusOf(peer, this, now));
  }

  // ---- time

  #wake(now: TimeUs): void {
    const gap = now - this.#turn;
    this.#turn = Math.max(this.#turn, now);
    if (gap < LEAST_WINDOW_US || this.#peers.size === 0 || gap < 4 * this.#intervalUs) return;
    this.#stoppedAt = now;
    this.#options.sink.resumed(gap, now);
  }

  /** Time has passed. */
  run(now: TimeUs): void {
    this.#wake(now);
    this.gossip.run(now);
    if (now < this.#lookAt) return;
    this.#lookAt = Math.min(now + this.#intervalUs, Math.max(now + LOOK_US, this.leases.nextSilence(now) + 1));
    const { sink } = this.#options;
    const holds = this.holdsLease(now);
    if (holds !== this.#holdsLease) {
      this.#holdsLease = holds;
      sink.leaseChanged(holds, now);
    }
    this.#lookForSilence(now);
    for (const member of this.#suspects) this.#judge(member, now);
  }

  /** Whom we do not hear, others may have to judge; and those whose packets we hand on are to know at once. */
  #lookForSilence(now: TimeUs): void {
    for (const member of this.leases.unheard(now)) this.#suspects.add(member);
    let isNew = false;
    let count = 0;
    for (const member of this.leases.apart(now)) {
      count++;
      isNew ||= !this.#silent.has(member);
    }
    if (!isNew && count === this.#silent.size) return;
    this.#silent = new Set(this.leases.apart(now));
    for (const peer of this.#peers.values()) {
      peer.vectorAt = now;
      peer.nextAt = now;
    }
    this.#earliest = 0;
  }

  #judge(member: number, now: TimeUs): void {
    const peer = this.#peers.get(member);
    const isDead = peer !== undefined && this.leases.isDead(member, now);
    if (peer !== undefined && isDead !== peer.wasDead) {
      peer.wasDead = isDead;
      if (isDead) this.gossip.free(member, now);
      this.#options.sink.verdict(member, isDead, now);
    }
    if (!isDead && this.leases.hears(member, now)) this.#suspects.delete(member);
  }

  /** Whether something that came is to be looked at without delay. */
  isDue(now: TimeUs): boolean {
    return this.#lookAt <= now;
  }

  deadline(): TimeUs {
    return Math.min(this.gossip.deadline(), this.#earliest, this.#peers.size === 0 ? NEVER : this.#lookAt);
  }

  // ---- what is to be sent

  /** Hands out all that is to be sent now. @returns whether anything was */
  poll(now: TimeUs, out: MeshOut): boolean {
    this.run(now);
    const { passed, dropped } = this.#passing.pass({
      room: (member) => (this.#peers.get(member)?.isReady === true ? out.room(member) : undefined),
      stream: (member, frame) => out.stream(member, frame),
    });
    this.counters.relayed += passed;
    this.counters.relayFailed += dropped;
    let any = passed > 0;
    const { gossip } = this;
    const hasNews = gossip.hasNews;
    gossip.hasNews = false;
    let earliest = NEVER;
    for (const peer of this.#peers.values()) {
      if (!peer.isLinked) {
        if (hasNews && gossip.hasPressing(peer.member)) any = this.#throughThird(peer, now, out) || any;
        continue;
      }
      if (now >= peer.nextAt || (hasNews && gossip.isBusy(peer.member))) any = this.#toLinked(peer, now, out) || any;
      if (peer.nextAt < earliest) earliest = peer.nextAt;
    }
    this.#earliest = earliest;
    return any;
  }

  #toLinked(peer: Peer, now: TimeUs, out: MeshOut): boolean {
    let any = false;
    if (!peer.saidHello) {
      peer.saidHello = true;
      const { own, incarnation, handoff } = this.#options;
      const versions = { oldest: OLDEST_VERSION, newest: NEWEST_VERSION };
      const hello = writeHello({ ...versions, member: own, incarnation, handoff });
      out.stream(peer.member, frameOf(FrameType.hello, hello));
      any = true;
    }
    if (now >= peer.probeAt) {
      this.#probe(peer, now, out);
      any = true;
    }
    peer.nextAt = peer.probeAt;
    if (!peer.isReady) return any;
    if (now >= peer.vectorAt) {
      peer.vectorAt = now + VECTOR_US;
      out.stream(peer.member, frameOf(FrameType.vector, writeVector(this.#costs(now))));
      this.#choose(peer.member, now);
      any = true;
    }
    any = this.#tellPrefixes(peer, out) || any;
    if (now >= peer.digestAt) this.#compare(peer, now);
    peer.nextAt = Math.min(peer.probeAt, peer.vectorAt, peer.digestAt);
    return this.#tell(peer, now, out) || any;
  }

  #tellPrefixes(peer: Peer, out: MeshOut): boolean {
    if (peer.toldPrefixes === this.#prefixesSet || (peer.version ?? 0) < PREFIXES_VERSION) return false;
    peer.toldPrefixes = this.#prefixesSet;
    out.stream(peer.member, frameOf(FrameType.prefixes, writePrefixes(this.#prefixes)));
    return true;
  }

  #tell(peer: Peer, now: TimeUs, out: MeshOut): boolean {
    const { member } = peer;
    // What a bad link would bring late, or not at all, goes through a third member.
    if (this.gossip.hasPressing(member) && this.via(member, now) > 0) return this.#throughThird(peer, now, out);
    let any = false;
    while (out.room(member)) {
      const frame = this.gossip.next(member);
      if (frame === undefined) return any;
      out.stream(member, frame);
      any = true;
    }
    // The rest when there is room.
    this.gossip.hasNews = true;
    return any;
  }

  #choose(member: number, now: TimeUs): void {
    if (this.paths.choose(member, now)) this.#options.sink.pathChanged(member, this.via(member, now), now);
  }

  #compare(peer: Peer, now: TimeUs): void {
    peer.digestAt =
      now + (this.gossip.compare(peer.member) ? COMPARE_AGAIN_US : COMPARE_US / 2 + this.#below(COMPARE_US));
  }

  #throughThird(peer: Peer, now: TimeUs, out: MeshOut): boolean {
    this.#choose(peer.member, now);
    const via = this.via(peer.member, now);
    let any = false;
    while (via > 0 && out.room(via)) {
      const frame = this.gossip.nextRelayed(peer.member);
      if (frame === undefined) return any;
      out.stream(via, frame);
      any = true;
    }
    this.gossip.hasNews = true;
    return any;
  }

  #probe(peer: Peer, now: TimeUs, out: MeshOut): void {
    const { member, latency, lastProbe } = peer;
    peer.probeAt = Math.max(peer.probeAt + this.#intervalUs, now + this.#intervalUs / 2);
    const silence = windowUs(latency.smoothedUs, this.#intervalUs);
    const unheard = this.#unheard(now);
    if (unheard.length > 0) this.#accuse(unheard, now);
    const grants = lastProbe !== undefined && this.leases.promise(member, lastProbe.at, silence, now);
    const payload = writeProbe({
      sequence: peer.sequence,
      sentUs: Math.floor(now),
      echo: lastProbe && { sentUs: lastProbe.sentUs, delayUs: Math.floor(now - lastProbe.at) },
      windowUs: silence,
      grants,
      yields: this.#yields,
      announces: this.announces,
      unheard,
    });
    peer.sequence = (peer.sequence + 1) >>> 0;
    const bytes = new Uint8Array(1 + payload.length);
    bytes[0] = DatagramKind.probe;
    bytes.set(payload, 1);
    out.datagram(member, bytes);
  }

  /** What we say now may count for the longest window that any member was told. */
  #accuse(unheard: readonly number[], now: TimeUs): void {
    let longest = 0;
    for (const { latency } of this.#peers.values()) {
      longest = Math.max(longest, windowUs(latency.smoothedUs, this.#intervalUs));
    }
    for (const member of unheard) this.leases.accused(member, longest, now);
  }

  /** Whom we do not hear, in ascending order; of more than one probe can name, others each time. */
  #unheard(now: TimeUs): number[] {
    const all = [...this.leases.unheard(now)].sort((a, b) => a - b);
    if (all.length <= MOST_UNHEARD) return all;
    this.#unheardTurn = (this.#unheardTurn + MOST_UNHEARD) % all.length;
    const rotated = [...all.slice(this.#unheardTurn), ...all.slice(0, this.#unheardTurn)];
    return rotated.slice(0, MOST_UNHEARD).sort((a, b) => a - b);
  }

  #costs(now: TimeUs): Map<number, number> {
    const costs = new Map<number, number>();
    for (const member of this.#peers.keys()) costs.set(member, this.directCost(member, now));
    return costs;
  }

  readonly #word = new Uint8Array(4);

  /** Uniform in [0, n). */
  #below(n: number): number {
    this.#options.random.fill(this.#word);
    return (new DataView(this.#word.buffer).getUint32(0) / 2 ** 32) * n;
  }
}
