import type { HashKey } from '../../keyed-hash.ts';
import { type BgpError, localError } from '../errors.ts';
import { familyName } from '../wire/families.ts';
import type { UpdateReader } from '../wire/update.ts';
import { admit, type RibIdentity } from './admission.ts';
import { AttributeStore } from './attribute-store.ts';
import { exportRules } from './export-rules.ts';
import type { FamilyRib } from './family-rib.ts';
import { type FlowRule, flowRules } from './flow-rules.ts';
import { countsOf, type FamilyCounts, type PathView, pathsTo } from './inspect.ts';
import { Intake } from './intake.ts';
import type { Member } from './member.ts';
import { type LocalAddresses, Neighbour, type NeighbourSettings, type RibSession } from './neighbour.ts';
import { NextHopCosts } from './next-hops.ts';
import { WITHDRAWALS } from './outbox.ts';
import { Packer } from './packer.ts';
import { PathFlag } from './paths.ts';
import { ACCEPT_ALL, OWN, REJECT_ALL } from './route-policy.ts';
import { importAgain, keepLongLived, markAll, removeAll } from './sweeps.ts';
import { RIB_FAMILIES, Tables } from './tables.ts';
import { type Telling, tellingOf } from './telling.ts';

export interface RibSettings extends RibIdentity {
  /** Secret, of this run. */
  readonly key: HashKey;
  /** MULTI_EXIT_DISC is compared between neighbouring ASes too (RFC 4271 §9.1.2.2 c). */
  readonly comparesAllMeds: boolean;
  /** As in `NextHopCosts`; undefined: every next hop is as near as any other. */
  readonly costOf?: (nextHop: Uint8Array) => number;
  /** Bytes that routes may take, all in all: whoever announces more loses its session (Cease, Out of Resources). */
  readonly mostBytes?: number;
}

/** Us, as the neighbour that our own routes are from. */
const OURSELVES: NeighbourSettings = {
  as: 0,
  localAs: 0,
  address: new Uint8Array(4),
  importPolicy: ACCEPT_ALL,
  exportPolicy: REJECT_ALL,
  isReflectorClient: false,
  isServed: false,
  setsNextHop: false,
  limits: [],
  flowValidation: 'none',
};

/** Columns of paths say in two bytes who one is from. */
const MAX_NEIGHBOURS = 0xffff;

/** Of UPDATEs, between looks at the memory that routes take. */
const CHECKED_BYTES = 65_536;

/**
 * Routes of all neighbours and our own: takes UPDATEs, chooses, and writes what neighbours are to be told. No sockets, no
 * timers. A neighbour is known by the index that `addNeighbour` gives.
 */
export class Rib {
  readonly store: AttributeStore;
  readonly families: readonly FamilyRib[];
  readonly #settings: RibSettings;
  readonly #neighbours: (Neighbour | undefined)[];
  readonly #packer: Packer;
  readonly #costs: NextHopCosts | undefined;
  /** Bytes of UPDATEs since memory was looked at. */
  #unchecked = 0;
  readonly #tables: Tables;
  readonly #intake: Intake;

  constructor(settings: RibSettings) {
    this.#settings = settings;
    const store = new AttributeStore(settings.key);
    this.store = store;
    this.#neighbours = [this.#newNeighbour(OWN, OURSELVES)];
    this.#packer = new Packer(settings.clusterId);
    const { comparesAllMeds, costOf } = settings;
    this.#costs = costOf === undefined ? undefined : new NextHopCosts(store, costOf);
    const shared = { store, neighbours: this.#neighbours, comparesAllMeds, costs: this.#costs };
    this.#tables = new Tables(shared, settings.key);
    this.families = this.#tables.ribs;
    this.#intake = new Intake(this.#tables, settings);
  }

  /** Bytes of memory that are taken. */
  get memory(): number {
    return this.families.reduce((sum, { memory }) => sum + memory, this.store.memory);
  }

  /** @returns its index, which may have been that of one that was removed */
  addNeighbour(settings: NeighbourSettings): number {
    const free = this.#neighbours.indexOf(undefined);
    const index = free < 0 ? this.#neighbours.length : free;
    if (index > MAX_NEIGHBOURS) throw new RangeError(`there may be ${MAX_NEIGHBOURS} neighbours`);
    this.#neighbours[index] = this.#newNeighbour(index, settings);
    return index;
  }

  /** A neighbour that is down and has no routes any more is no neighbour any more. */
  removeNeighbour(index: number): void {
    this.down(index, []);
    this.#neighbours[index] = undefined;
  }

  /** A session is established: routes are taken, and those that there are will be told. */
  up(index: number, session: RibSession, local: LocalAddresses): void {
    const neighbour = this.#neighbour(index);
    neighbour.session = session;
    neighbour.local = local;
    neighbour.identifier = session.remoteIdentifier;
    neighbour.localRole = session.localRole;
    for (const rib of this.families) {
      neighbour.hasEnded[rib.slot] = false;
      if (!session.families.includes(rib.family)) {
        removeAll(rib, neighbour, 0);
        continue;
      }
      neighbour.members[rib.slot] = rib.groups.join(neighbour, exportRules(rib.family, neighbour, session, local));
    }
  }

  /**
   * The session has ended.
   *
   * @param kept families whose routes stay until `dropStale`, or until they are announced again (RFC 4724 §4.2)
   */
  down(index: number, kept: readonly number[]): void {
    const neighbour = this.#neighbour(index);
    neighbour.session = undefined;
    for (const rib of this.families) {
      const member = neighbour.members[rib.slot];
      if (member !== undefined) rib.groups.leave(member);
      neighbour.members[rib.slot] = undefined;
      if (kept.includes(rib.family)) {
        // RFC 4724 §4.2: what is stale already has not been announced since the last time.
        removeAll(rib, neighbour, PathFlag.stale);
        markAll(rib, neighbour, PathFlag.stale);
      } else removeAll(rib, neighbour, 0);
    }
  }

  /**
   * Takes an UPDATE that was read, of a neighbour that is up.
   *
   * @throws BgpError what the session is to end with
   */
  take(index: number, update: UpdateReader): void {
    const neighbour = this.#neighbour(index);
    this.#intake.take(neighbour, update);
    if (update.disabledFamily !== 0) removeAll(this.#tables.ribOf(update.disabledFamily), neighbour, 0);
    if (update.endOfRib !== 0) this.dropStale(index, update.endOfRib);
    this.#checkMemory(update.fields.nlriEnd - update.fields.withdrawnAt);
  }

  /** What a neighbour had before its session ended, and has not announced again, goes (RFC 4724 §4.2). */
  dropStale(index: number, family: number): void {
    const neighbour = this.#neighbour(index);
    const rib = this.#tables.ribOf(family);
    neighbour.hasEnded[rib.slot] = true;
    removeAll(rib, neighbour, PathFlag.stale);
  }

  /** What is stale of a neighbour is kept as a last resort, until `dropStale` (RFC 9494 §4.3). */
  keepLongLived(index: number, family: number): void {
    keepLongLived(this.#tables.ribOf(family), this.#neighbour(index));
  }

  /** The neighbour begins to announce all of its routes again (RFC 7313 §4). @returns whether that is heeded */
  refreshBegins(index: number, family: number): boolean {
    const neighbour = this.#neighbour(index);
    const rib = this.#tables.ribOf(family);
    if (neighbour.session?.gracefulRestart !== undefined && neighbour.hasEnded[rib.slot] !== true) return false;
    markAll(rib, neighbour, PathFlag.unrefreshed);
    return true;
  }

  /** It has; what it has not announced again goes. */
  refreshEnds(index: number, family: number): void {
    removeAll(this.#tables.ribOf(family), this.#neighbour(index), PathFlag.unrefreshed);
  }

  /** Takes other settings for a neighbour, of the same AS: routes are looked at anew, and told where that changes them. */
  change(index: number, settings: NeighbourSettings): void {
    const neighbour = this.#neighbour(index);
    if (neighbour.settings.as !== settings.as || neighbour.settings.localAs !== settings.localAs)
      throw new RangeError('a neighbour of another AS is another neighbour');
    const isImportChanged = neighbour.settings.importPolicy !== settings.importPolicy;
    neighbour.settings = settings;
    this.#setLimits(neighbour);
    const { session, local } = neighbour;
    for (const rib of this.families) {
      if (isImportChanged)
        importAgain(rib, neighbour, (set) => admit(this.store, set, rib.family, neighbour, this.#settings));
      const member = neighbour.members[rib.slot];
      if (member !== undefined && session !== undefined)
        rib.groups.move(member, exportRules(rib.family, neighbour, session, local));
    }
  }

  /** What a neighbour has announced is more than it may, since its limits are others (RFC 4486 §4). @returns what ends its session */
  excess(index: number): BgpError | undefined {
    const neighbour = this.#neighbour(index);
    for (const rib of this.families) {
      const error = rib.excess(neighbour);
      if (error !== undefined) return error;
    }
    return undefined;
  }

  /** What next hops cost may have become another: they are asked for again, and routes chosen anew. */
  nextHopsChanged(): void {
    if (this.#costs?.askAgain() === true) for (const rib of this.families) rib.chooseAgain();
  }

  /**
   * A route of our own, in place of the one that there may be.
   *
   * @param address words, of which bits past the length are zero
   * @param attributes canonical ones, with ORIGIN and AS_PATH among them
   * @param nextHop 4, 16 or 32 bytes; none: each neighbour is told our address towards it
   */
  originate(family: number, address: Uint32Array, length: number, attributes: Uint8Array, nextHop: Uint8Array): void {
    const rib = this.#tables.ribOf(family);
    const set = this.store.internBytes(attributes, nextHop);
    rib.set(this.#neighbour(OWN), this.#tables.prefixesOf(family).intern(address, length), set);
    this.store.release(set);
  }

  withdrawOwn(family: number, address: Uint32Array, length: number): void {
    const destination = this.#tables.prefixesOf(family).find(address, length);
    if (destination >= 0) this.#tables.ribOf(family).unset(this.#neighbour(OWN), destination);
  }

  /** A flow specification of our own. @param attributes as in `originate` */
  originateFlow(family: number, components: Uint8Array, attributes: Uint8Array): void {
    const rib = this.#tables.ribOf(family);
    const set = this.store.internBytes(attributes, new Uint8Array(0));
    rib.set(this.#neighbour(OWN), this.#tables.flowsOf(family).internBytes(components), set);
    this.store.release(set);
  }

  withdrawOwnFlow(family: number, components: Uint8Array): void {
    const destination = this.#tables.flowsOf(family).findBytes(components);
    if (destination >= 0) this.#tables.ribOf(family).unset(this.#neighbour(OWN), destination);
  }

  /** All paths to a prefix, in no order. */
  pathsTo(family: number, address: Uint32Array, length: number): PathView[] {
    const destination = this.#tables.prefixesOf(family).find(address, length);
    return destination < 0 ? [] : pathsTo(this.#tables.ribOf(family), destination);
  }

  /** What a neighbour is told of a path, or why nothing. @param set as import has left it @param source index of who it is from */
  telling(index: number, family: number, destination: number, set: number, source: number): Telling {
    const { session, members } = this.#neighbour(index);
    const rib = this.#tables.ribOf(family);
    if (session === undefined) return { withheld: 'there is no session with the neighbour' };
    const rules = members[rib.slot]?.group.rules;
    if (rules === undefined) return { withheld: `the neighbour has not agreed on ${familyName(family)}` };
    return tellingOf(rib, rules, this.#settings.clusterId, destination, set, this.#neighbour(source));
  }

  /** Families of which a neighbour was not told routes, for want of an address of ours as their next hop. */
  missingNextHops(index: number): number[] {
    const members = this.#neighbours[index]?.members ?? [];
    return RIB_FAMILIES.filter((_family, slot) => members[slot]?.group.lacksNextHop === true);
  }

  /** Of each family: what a neighbour has announced, and what it was told. */
  countsOf(index: number): FamilyCounts[] {
    return this.families.map((rib) => countsOf(rib, this.#neighbours[index]));
  }

  /** What a neighbour is told of a family, by their index and slot; undefined: nothing, or it is gone. */
  memberOf(index: number, slot: number): Member | undefined {
    return this.#neighbours[index]?.members[slot];
  }

  /** Flow specifications of `ipv4-flow` or `ipv6-flow` that are in force, as `flow-rules.ts` has them. */
  flowRules(family: number): FlowRule[] {
    return flowRules(this.#tables.ribOf(family), this.#tables.flowsOf(family));
  }

  /** Flow specifications are to be looked at: `validateFlows` takes time with the number of unicast routes. */
  get owesValidation(): boolean {
    return this.#tables.validations.some(({ isDue }) => isDue);
  }

  /** Finds which flow specifications may be used, now that routes have changed (RFC 8955 §6). */
  validateFlows(): void {
    for (const validation of this.#tables.validations) if (validation.isDue) validation.run();
  }

  /** All that a neighbour was told of a family is told again (RFC 2918 §4, RFC 7313 §4). */
  refresh(index: number, family: number): void {
    const { members, session } = this.#neighbour(index);
    const rib = this.#tables.ribOf(family);
    const member = members[rib.slot];
    if (member === undefined || session === undefined) return;
    member.refresh(session.enhancedRouteRefresh);
  }

  /** Whether there is something that a neighbour is to be told. */
  hasOutput(index: number): boolean {
    const { members } = this.#neighbour(index);
    for (let slot = 0; slot < members.length; slot++) if (members[slot]?.hasOutput === true) return true;
    return false;
  }

  /**
   * Writes the next message for a neighbour: an UPDATE, or a mark between them.
   *
   * @param buffer has room for the largest message of the session behind `at`
   * @returns its bytes; 0 when there is nothing to tell
   */
  nextUpdate(index: number, buffer: Uint8Array, at: number): number {
    const neighbour = this.#neighbour(index);
    const { members, turn } = neighbour;
    const { length } = members;
    // What leads nowhere any more is told first, whatever else there is.
    for (let slot = 0; slot < length; slot++) {
      if ((members[slot]?.outbox.headOf(WITHDRAWALS) ?? -1) >= 0) return this.#write(neighbour, slot, buffer, at);
    }
    for (let i = 0; i < length; i++) {
      const slot = (turn + i) % length;
      const bytes = members[slot] === undefined ? 0 : this.#write(neighbour, slot, buffer, at);
      if (bytes === 0) continue;
      // No family waits for all of another.
      neighbour.turn = (slot + 1) % length;
      return bytes;
    }
    return 0;
  }

  #write({ members, session }: Neighbour, slot: number, buffer: Uint8Array, at: number): number {
    const rib = this.families[slot] as FamilyRib;
    return this.#packer.next(rib, members[slot] as Member, session as RibSession, buffer, at);
  }

  #newNeighbour(index: number, settings: NeighbourSettings): Neighbour {
    const neighbour = new Neighbour(index, settings);
    RIB_FAMILIES.forEach((_family, slot) => {
      neighbour.paths[slot] = 0;
      neighbour.accepted[slot] = 0;
      neighbour.members[slot] = undefined;
      neighbour.hasEnded[slot] = false;
    });
    this.#setLimits(neighbour);
    return neighbour;
  }

  #setLimits({ limits, settings }: Neighbour): void {
    RIB_FAMILIES.forEach((family, slot) => {
      limits[slot] = settings.limits.find((one) => one.family === family)?.paths ?? Number.POSITIVE_INFINITY;
    });
  }

  /** Not for each UPDATE, but often enough that one neighbour cannot take much more. */
  #checkMemory(bytes: number): void {
    this.#unchecked += bytes;
    const { mostBytes } = this.#settings;
    if (this.#unchecked < CHECKED_BYTES || mostBytes === undefined) return;
    this.#unchecked = 0;
    if (this.memory > mostBytes) throw localError(`routes take more than ${mostBytes} bytes`);
  }

  #neighbour(index: number): Neighbour {
    const neighbour = this.#neighbours[index];
    if (neighbour === undefined) throw new RangeError(`there is no neighbour ${index}`);
    return neighbour;
  }
}
