import type { Ending } from '#protocol/bgp/fsm/ending.ts';
import type { FamilyRib } from '#protocol/bgp/rib/family-rib.ts';
import type { Member } from '#protocol/bgp/rib/member.ts';
import { NONE } from '#protocol/bgp/rib/paths.ts';
import type { Rib } from '#protocol/bgp/rib/rib.ts';
import { REJECT } from '#protocol/bgp/rib/route-policy.ts';
import { NO_CAPABILITIES } from '#protocol/bgp/wire/capabilities/definition.ts';
import { HEADER_BYTES, MAX_EXTENDED_MESSAGE_BYTES, MAX_MESSAGE_BYTES, MessageType } from '#protocol/bgp/wire/header.ts';
import { writeNotification } from '#protocol/bgp/wire/notification.ts';
import { writeOpen } from '#protocol/bgp/wire/open.ts';
import { writeEndOfRib } from '#protocol/bgp/wire/update-writer.ts';
import { type BmpPeer, subjectOf } from './peer.ts';
import { sentRoutes } from './sent-routes.ts';
import { type Monitored, View, type ViewSource } from './view.ts';
import { type BmpSubject, type BmpTime, HEADS_BYTES, PeerFlag, PeerType } from './wire/header.ts';
import { InformationType } from './wire/information.ts';
import { initiation } from './wire/initiation.ts';
import { PeerDownReason, peerDown } from './wire/peer-down.ts';
import { peerUp } from './wire/peer-up.ts';
import { monitoringOf } from './wire/route-monitoring.ts';
import { type Statistic, StatisticType, statisticsReport } from './wire/statistics.ts';
import { Withdrawals } from './withdrawals.ts';

/** Tables that a station may be told: what came, what import made of it, what was chosen, and what was told. */
export const VIEWS = ['adj-rib-in-pre', 'adj-rib-in-post', 'loc-rib', 'adj-rib-out-post'] as const;
export type ViewName = (typeof VIEWS)[number];

/** Who we are, to a station. */
export interface FeedSettings {
  readonly views: readonly ViewName[];
  readonly sysName: string;
  readonly sysDescr: string;
  readonly as: number;
  readonly identifier: number;
  readonly clusterId: number;
  /** Bytes of messages that wait because they are of what will not be there later: more end the session. */
  readonly mostBytes: number;
}

/** Bytes of the largest message: Route Monitoring with the largest UPDATE. */
export const LARGEST_MESSAGE_BYTES = HEADS_BYTES + MAX_EXTENDED_MESSAGE_BYTES;

const NOTHING = new Uint8Array(0);

interface Entry extends Monitored {
  readonly peer: BmpPeer;
}

/** What one station is told (RFC 7854, RFC 8671, RFC 9069), from the Initiation on. No sockets, no timers. */
export class BmpFeed {
  readonly #rib: Rib;
  readonly #settings: FeedSettings;
  readonly #memberOf: (index: number, slot: number) => Member | undefined;
  /** By index of the neighbour. */
  readonly #peers: (Entry | undefined)[] = [];
  readonly #locRib: Monitored;
  /** Messages that wait, the first at `#head`. */
  #waiting: Uint8Array[] = [];
  #head = 0;
  #waitingBytes = 0;
  /** By slot. */
  readonly #pre: readonly View[];
  readonly #post: readonly View[];
  readonly #loc: readonly View[];
  readonly #gone: { readonly pre: Withdrawals; readonly post: Withdrawals; readonly loc: Withdrawals };
  /** Neighbours that End-of-RIB is owed of, once all is told. */
  readonly #owesEnd = new Set<Entry>();
  #owesLocEnd = false;
  /** What neighbours had been told before. */
  readonly #sent: { readonly entry: Entry; readonly updates: Iterator<Uint8Array, void> }[] = [];

  /**
   * @param peers whose sessions are there, as of `peerUp`
   * @param memberOf what a neighbour is told of a family, by their index and slot
   */
  constructor(
    rib: Rib,
    settings: FeedSettings,
    peers: readonly BmpPeer[],
    memberOf: (index: number, slot: number) => Member | undefined,
    time: BmpTime,
  ) {
    this.#rib = rib;
    this.#settings = settings;
    this.#memberOf = memberOf;
    const { as, identifier, sysName, sysDescr } = settings;
    this.#locRib = { subject: { type: PeerType.locRib, address: NOTHING, as, identifier }, pathIdFamilies: [] };
    const push = (message: Uint8Array): void => this.#push(message);
    this.#gone = {
      pre: new Withdrawals(0, push),
      post: new Withdrawals(PeerFlag.postPolicy, push),
      loc: new Withdrawals(0, push),
    };
    this.#pre = rib.families.map((one) => new View(one, 0, this.#pathsOf(one, 'received')));
    this.#post = rib.families.map((one) => new View(one, PeerFlag.postPolicy, this.#pathsOf(one, 'accepted')));
    this.#loc = rib.families.map((one) => new View(one, 0, this.#bestOf(one)));
    push(initiation(sysName, sysDescr));
    if (this.#has('loc-rib')) this.#beginLocRib(time);
    for (const peer of peers) this.#begin(peer, time);
  }

  /** More waits than may: the session is to be ended. */
  get isOverflowing(): boolean {
    return this.#waitingBytes > this.#settings.mostBytes;
  }

  /** Bytes of messages that wait. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** A session has come up; its routes are still to come. */
  peerUp(peer: BmpPeer, time: BmpTime): void {
    this.#up(peer, time);
  }

  /** A session has ended: what it had is no longer told of. */
  peerLost(index: number): void {
    const entry = this.#peers[index];
    this.#peers[index] = undefined;
    if (entry !== undefined) this.#owesEnd.delete(entry);
  }

  /** And why. Its routes have gone with it (RFC 7854 §4.9). */
  peerDown(
    peer: BmpPeer,
    { notification, isSent, cause }: Pick<Ending, 'cause' | 'isSent' | 'notification'>,
    time: BmpTime,
  ): void {
    this.peerLost(peer.index);
    const subject = subjectOf(peer);
    if (notification === undefined) {
      const isTheirs = cause === 'connection';
      const reason = isTheirs ? PeerDownReason.remoteClosed : PeerDownReason.localEvent;
      this.#push(peerDown(subject, time, reason, new Uint8Array(isTheirs ? 0 : 2)));
      return;
    }
    const message = new Uint8Array(MAX_MESSAGE_BYTES);
    const end = writeNotification(message, 0, message.length, notification);
    const reason = isSent ? PeerDownReason.localNotification : PeerDownReason.remoteNotification;
    this.#push(peerDown(subject, time, reason, message.subarray(0, end)));
  }

  /** A path has come, or what it says, or what import makes of it, has become another. */
  changed(slot: number, path: number): void {
    const { paths } = this.#rib.families[slot] as FamilyRib;
    if (this.#peers[paths.source[path] as number] === undefined) return;
    if (this.#has('adj-rib-in-pre')) this.#pre[slot]?.dirty.add(path);
    if (this.#has('adj-rib-in-post')) this.#post[slot]?.dirty.add(path);
  }

  /** A path is about to go. */
  gone(slot: number, path: number): void {
    const rib = this.#rib.families[slot] as FamilyRib;
    const { paths } = rib;
    const entry = this.#peers[paths.source[path] as number];
    if (entry === undefined) return;
    const { subject, pathIdFamilies } = entry;
    const destination = paths.destination[path] as number;
    const pathId = paths.pathId[path] as number;
    if (this.#has('adj-rib-in-pre')) this.#gone.pre.add(rib, subject, pathIdFamilies, destination, pathId);
    if (this.#has('adj-rib-in-post') && paths.accepted[path] !== 0)
      this.#gone.post.add(rib, subject, pathIdFamilies, destination, pathId);
  }

  /** Another path of a destination was chosen, or none. */
  best(slot: number, destination: number): void {
    if (!this.#has('loc-rib')) return;
    const rib = this.#rib.families[slot] as FamilyRib;
    const { subject, pathIdFamilies } = this.#locRib;
    if (rib.best[destination] === NONE) this.#gone.loc.add(rib, subject, pathIdFamilies, destination, 0);
    else this.#loc[slot]?.dirty.add(destination);
  }

  /** A message goes to a neighbour: [start, end). */
  told(index: number, buffer: Uint8Array, start: number, end: number): void {
    const entry = this.#peers[index];
    if (entry === undefined || !this.#has('adj-rib-out-post')) return;
    if (buffer[start + HEADER_BYTES - 1] === MessageType.update) this.#pushTold(entry, buffer, start, end);
  }

  /** Reports how many routes there are. */
  statistics(time: BmpTime): void {
    for (const entry of this.#peers) {
      if (entry === undefined) continue;
      const counts = this.#rib.countsOf(entry.peer.index);
      const sum = (key: 'received' | 'told'): number => counts.reduce((all, one) => all + one[key], 0);
      this.#push(
        statisticsReport(entry.subject, time, [
          { type: StatisticType.adjRibsIn, gauge: sum('received') },
          ...counts.map(({ family, received }) => ({ type: StatisticType.adjRibIn, family, gauge: received })),
          { type: StatisticType.treatedAsWithdraw, counter: entry.peer.treatedAsWithdraw },
          { type: StatisticType.adjRibOut, gauge: sum('told') },
          ...counts.map(({ family, told }) => ({ type: StatisticType.adjRibOutOf, family, gauge: told })),
        ]),
      );
    }
    if (this.#has('loc-rib')) this.#push(statisticsReport(this.#locRib.subject, time, this.#locStatistics()));
  }

  /**
   * Writes as many messages as there are, and fit.
   *
   * @param out at least `LARGEST_MESSAGE_BYTES`
   * @returns bytes; 0: there is nothing to tell
   */
  poll(out: Uint8Array): number {
    for (const one of Object.values(this.#gone)) one.flush();
    let at = this.#take(out);
    if (this.#waitingBytes > 0) return at;
    while (out.length - at >= LARGEST_MESSAGE_BYTES) {
      const bytes = this.#next(out, at);
      if (bytes === 0) break;
      at += bytes;
    }
    return at;
  }

  #has(view: ViewName): boolean {
    return this.#settings.views.includes(view);
  }

  #push(message: Uint8Array): void {
    this.#waiting.push(message);
    this.#waitingBytes += message.length;
  }

  #pushTold({ peer, subject }: Entry, buffer: Uint8Array, start: number, end: number): void {
    const isShort = peer.negotiated.writeRules.asBytes === 2;
    const flags = PeerFlag.postPolicy | PeerFlag.adjRibOut | (isShort ? PeerFlag.shortAs : 0);
    this.#push(monitoringOf(subject, flags, buffer, start, end));
  }

  #take(out: Uint8Array): number {
    let at = 0;
    for (; this.#head < this.#waiting.length; this.#head++) {
      const message = this.#waiting[this.#head] as Uint8Array;
      if (at + message.length > out.length) return at;
      out.set(message, at);
      at += message.length;
      this.#waitingBytes -= message.length;
    }
    this.#waiting = [];
    this.#head = 0;
    return at;
  }

  #next(out: Uint8Array, at: number): number {
    for (const views of [this.#pre, this.#post, this.#loc]) {
      for (const view of views) {
        const bytes = view.next(out, at);
        if (bytes > 0) return bytes;
      }
    }
    for (let sent = this.#sent[0]; sent !== undefined; sent = this.#sent[0]) {
      const told = sent.updates.next();
      if (told.done === true || this.#peers[sent.entry.peer.index] !== sent.entry) this.#sent.shift();
      else {
        this.#pushTold(sent.entry, told.value, 0, told.value.length);
        return this.#take(out.subarray(at));
      }
    }
    this.#tellEnds();
    return this.#take(out.subarray(at));
  }

  #tellEnds(): void {
    const buffer = new Uint8Array(64);
    const tell = (subject: BmpSubject, flags: number, family: number): void =>
      this.#push(monitoringOf(subject, flags, buffer, 0, writeEndOfRib(buffer, 0, family)));
    for (const { subject, peer } of this.#owesEnd) {
      for (const family of peer.negotiated.families) {
        if (this.#has('adj-rib-in-pre')) tell(subject, 0, family);
        if (this.#has('adj-rib-in-post')) tell(subject, PeerFlag.postPolicy, family);
      }
    }
    this.#owesEnd.clear();
    if (this.#owesLocEnd) for (const { family } of this.#rib.families) tell(this.#locRib.subject, 0, family);
    this.#owesLocEnd = false;
  }

  /** Tells of the Loc-RIB as a neighbour of its own (RFC 9069 §5). */
  #beginLocRib(time: BmpTime): void {
    const { as, identifier } = this.#settings;
    const families = this.#rib.families.map(({ family }) => family);
    const capabilities = { ...NO_CAPABILITIES, families, fourOctetAs: as };
    const buffer = new Uint8Array(MAX_MESSAGE_BYTES);
    const open = buffer.slice(0, writeOpen(buffer, 0, { as, identifier, holdTimeS: 0, capabilities }));
    const session = { localAddress: NOTHING, localPort: 0, remotePort: 0, sentOpen: open, receivedOpen: open };
    this.#push(peerUp(this.#locRib.subject, time, session, [[InformationType.tableName, 'global']]));
    this.#owesLocEnd = true;
    for (const [slot, rib] of this.#rib.families.entries())
      for (let id = 0; id < rib.destinations.limit; id++)
        if (rib.destinations.has(id) && rib.best[id] !== NONE) this.#loc[slot]?.dirty.add(id);
  }

  /** A neighbour whose session was there before. */
  #begin(peer: BmpPeer, time: BmpTime): void {
    const entry = this.#up(peer, time);
    for (const { slot, paths } of this.#rib.families)
      for (let path = 0; path < paths.limit; path++)
        if (paths.received[path] !== 0 && paths.source[path] === peer.index) {
          if (this.#has('adj-rib-in-pre')) this.#pre[slot]?.dirty.add(path);
          // What import has rejected was never told.
          if (this.#has('adj-rib-in-post') && paths.accepted[path] !== 0) this.#post[slot]?.dirty.add(path);
        }
    if (!this.#has('adj-rib-out-post')) return;
    const { clusterId } = this.#settings;
    const memberOf = (slot: number): Member | undefined => this.#memberOf(peer.index, slot);
    this.#sent.push({ entry, updates: sentRoutes(this.#rib, peer, clusterId, memberOf) });
  }

  #up(peer: BmpPeer, time: BmpTime): Entry {
    const entry = { peer, subject: subjectOf(peer), pathIdFamilies: peer.negotiated.rules.pathIdFamilies };
    this.#peers[peer.index] = entry;
    this.#owesEnd.add(entry);
    this.#push(peerUp(entry.subject, time, peer, []));
    return entry;
  }

  /** @param column attributes as they came, or as import has left them */
  #pathsOf({ paths }: FamilyRib, column: 'accepted' | 'received'): ViewSource {
    return {
      monitoredOf: (path) => (paths.received[path] === 0 ? undefined : this.#peers[paths.source[path] as number]),
      setOf: (path) => (paths[column][path] as number) - 1,
      destinationOf: (path) => paths.destination[path] as number,
      pathIdOf: (path) => paths.pathId[path] as number,
    };
  }

  #bestOf(rib: FamilyRib): ViewSource {
    const pathOf = (destination: number): number =>
      rib.destinations.has(destination) ? (rib.best[destination] as number) : NONE;
    return {
      monitoredOf: (destination) => (pathOf(destination) === NONE ? undefined : this.#locRib),
      setOf: (destination) => {
        const path = pathOf(destination);
        return path === NONE ? REJECT : (rib.paths.accepted[path] as number) - 1;
      },
      destinationOf: (destination) => destination,
      pathIdOf: () => 0,
    };
  }

  #locStatistics(): Statistic[] {
    const counts = this.#rib.families.map(({ family, best, destinations }) => {
      let gauge = 0;
      for (let id = 0; id < destinations.limit; id++) if (best[id] !== NONE) gauge++;
      return { type: StatisticType.locRibOf, family, gauge };
    });
    const all = counts.reduce((sum, { gauge }) => sum + gauge, 0);
    return [{ type: StatisticType.locRib, gauge: all }, ...counts];
  }
}
