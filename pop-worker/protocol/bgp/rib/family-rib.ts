import { BgpError, CeaseSubcode, ErrorCode } from '../errors.ts';
import { writeU32 } from '../wire/bytes.ts';
import { familyName, writeFamily } from '../wire/families.ts';
import type { AttributeStore } from './attribute-store.ts';
import { longerInt32, longerUint32 } from './columns.ts';
import { Decision } from './decision.ts';
import type { Destinations } from './destinations.ts';
import type { ExportGroup, ExportSource } from './export-group.ts';
import { ExportGroups } from './export-groups.ts';
import { imported } from './importing.ts';
import { MAX_PATHS_OF_DESTINATION, type Neighbour } from './neighbour.ts';
import type { NextHopCosts } from './next-hops.ts';
import { NONE, PathFlag, Paths } from './paths.ts';
import { REJECT } from './route-policy.ts';

/** What the RIBs of all families share. */
export interface RibShared {
  readonly store: AttributeStore;
  /** By index; `OWN` is us. */
  readonly neighbours: readonly (Neighbour | undefined)[];
  readonly comparesAllMeds: boolean;
  readonly costs: NextHopCosts | undefined;
}

/** Who hears of all that changes in tables, by slots of families. */
export interface RibWatcher {
  /** A path has come, or what it says, or what import makes of it, has become another. */
  changed(slot: number, path: number): void;
  /** A path is about to go. */
  gone(slot: number, path: number): void;
  /** Another path of a destination was chosen, or none. */
  best(slot: number, destination: number): void;
}

/** Adj-RIBs-In, Loc-RIB and Adj-RIBs-Out of one family. */
export class FamilyRib implements ExportSource {
  readonly family: number;
  /** Its place among the families of the RIB. */
  readonly slot: number;
  readonly store: AttributeStore;
  readonly neighbours: readonly (Neighbour | undefined)[];
  readonly destinations: Destinations;
  readonly paths = new Paths((capacity) => this.groups.reserve(capacity, true));
  readonly groups = new ExportGroups(this);
  /** The Loc-RIB: by destination the best path, or `NONE`. */
  best = new Int32Array(0);
  /** By destination: why it is kept, 1 for its paths and 1 for each neighbour that has been told of it, or is to be. */
  #holds = new Uint32Array(0);
  readonly #decision: Decision;
  /** Hears of a path that has come, or whose attributes have become others, before it is looked at. */
  onPath: ((path: number) => void) | undefined;
  /** Hears of a destination whose best path has become another. */
  onBest: ((destination: number) => void) | undefined;

  watcher: RibWatcher | undefined;

  constructor(family: number, slot: number, destinations: Destinations, shared: RibShared) {
    this.family = family;
    this.slot = slot;
    this.destinations = destinations;
    this.store = shared.store;
    this.neighbours = shared.neighbours;
    this.#decision = new Decision(
      this.paths,
      this.store.columns,
      this.neighbours,
      shared.comparesAllMeds,
      shared.costs,
    );
    this.#reserve();
  }

  /** Bytes of memory that are taken, without sets of attributes. */
  get memory(): number {
    const columns = this.best.byteLength + this.#holds.byteLength;
    return this.destinations.memory + this.paths.memory + columns + this.groups.memory;
  }

  /**
   * Takes the routes of a field of an UPDATE.
   *
   * @param received id of their attributes
   * @param admitted what import policy is asked for: the same, another set, or `REJECT` when it is not to be asked
   * @throws BgpError local, Maximum Number of Prefixes Reached
   */
  announce(
    from: Neighbour,
    buffer: Uint8Array,
    start: number,
    end: number,
    hasPathIds: boolean,
    received: number,
    admitted: number,
  ): void {
    const { destinations } = this;
    destinations.read(buffer, start, end, hasPathIds);
    while (destinations.next()) {
      const destination = destinations.intern();
      if (destinations.capacity > this.best.length) this.#reserve();
      this.#set(from, destination, destinations.pathId, received, admitted);
    }
  }

  /** Takes the withdrawals of a field of an UPDATE. */
  withdraw(from: Neighbour, buffer: Uint8Array, start: number, end: number, hasPathIds: boolean): void {
    const { destinations, paths } = this;
    destinations.read(buffer, start, end, hasPathIds);
    while (destinations.next()) {
      const destination = destinations.find();
      if (destination < 0) continue;
      const path = paths.find(destination, from.index, destinations.pathId);
      if (path !== NONE) this.remove(path);
    }
  }

  /** Takes one path. @param destination may have been made for it */
  set(from: Neighbour, destination: number, received: number): void {
    if (this.destinations.capacity > this.best.length) this.#reserve();
    this.#set(from, destination, 0, received, received);
  }

  /** Takes one path away, if it is there. */
  unset(from: Neighbour, destination: number): void {
    const path = this.paths.find(destination, from.index, 0);
    if (path !== NONE) this.remove(path);
  }

  /** Whether a path may be chosen. */
  isUsable(path: number): boolean {
    return this.#decision.isUsable(path);
  }

  /** Next hops have become others: chooses anew where that matters. */
  chooseAgain(): void {
    const { paths, destinations } = this;
    for (let destination = 0; destination < destinations.limit; destination++) {
      for (let path = paths.heads[destination] as number; path !== NONE; path = paths.next[path] as number) {
        if (paths.accepted[path] !== 0) this.changed(destination, path);
      }
    }
  }

  hold(destination: number): void {
    this.#holds[destination] = (this.#holds[destination] as number) + 1;
  }

  unhold(destination: number): void {
    const left = (this.#holds[destination] as number) - 1;
    this.#holds[destination] = left;
    if (left === 0) this.destinations.delete(destination);
  }

  #set(from: Neighbour, destination: number, pathId: number, received: number, admitted: number): void {
    const { paths, store } = this;
    const path = this.#find(from, destination, pathId);
    const accepted = imported(store, from, this.family, destination, admitted);
    store.retain(received);
    const oldReceived = paths.received[path] as number;
    paths.flags[path] = (paths.flags[path] as number) & PathFlag.infeasible;
    paths.received[path] = received + 1;
    if (oldReceived !== 0) store.release(oldReceived - 1);
    this.watcher?.changed(this.slot, path);
    this.accept(path, accepted);
  }

  /** The path of a neighbour, a new one when there is none. */
  #find(from: Neighbour, destination: number, pathId: number): number {
    const { paths } = this;
    const known = paths.find(destination, from.index, pathId);
    if (known !== NONE) return known;
    const isFirst = paths.heads[destination] === NONE;
    const count = (from.paths[this.slot] as number) + 1;
    const limit = from.limits[this.slot] as number;
    if (count > limit) {
      if (isFirst && this.#holds[destination] === 0) this.destinations.delete(destination);
      throw tooMany(this.family, limit, 'paths');
    }
    if (!isFirst && paths.count(destination, from.index) >= MAX_PATHS_OF_DESTINATION)
      throw tooMany(this.family, MAX_PATHS_OF_DESTINATION, 'paths of one prefix');
    from.paths[this.slot] = count;
    if (isFirst) this.hold(destination);
    return paths.add(destination, from.index, pathId);
  }

  /** What a session is to end with whose neighbour may no longer have announced as much as there is of it; undefined: nothing. */
  excess({ paths, limits }: Neighbour): BgpError | undefined {
    const limit = limits[this.slot] as number;
    return (paths[this.slot] as number) > limit ? tooMany(this.family, limit, 'paths') : undefined;
  }

  remove(path: number): void {
    const { paths, store } = this;
    const destination = paths.destination[path] as number;
    this.watcher?.gone(this.slot, path);
    const from = this.neighbours[paths.source[path] as number] as Neighbour;
    paths.unlink(destination, path);
    from.paths[this.slot] = (from.paths[this.slot] as number) - 1;
    const accepted = paths.accepted[path] as number;
    paths.accepted[path] = 0;
    if (accepted !== 0) {
      from.accepted[this.slot] = (from.accepted[this.slot] as number) - 1;
      this.changed(destination, path);
    }
    store.release((paths.received[path] as number) - 1);
    if (accepted !== 0) store.release(accepted - 1);
    paths.free(path);
    if (paths.heads[destination] === NONE) this.unhold(destination);
  }

  /** Takes what import has made of a path, and its reference. */
  accept(path: number, accepted: number): void {
    const { paths, store } = this;
    const old = paths.accepted[path] as number;
    paths.accepted[path] = accepted + 1;
    if ((old === 0) !== (accepted === REJECT)) {
      const { accepted: counts } = this.neighbours[paths.source[path] as number] as Neighbour;
      counts[this.slot] = (counts[this.slot] as number) + (old === 0 ? 1 : -1);
    }
    if (old !== accepted + 1) {
      this.onPath?.(path);
      this.watcher?.changed(this.slot, path);
      this.changed(paths.destination[path] as number, path);
    }
    if (old !== 0) store.release(old - 1);
  }

  /** What a path says has become another, or whether it is usable, or it is gone. */
  changed(destination: number, path: number): void {
    const { paths } = this;
    const groups = this.groups.list;
    const before = this.best[destination] as number;
    const now = this.#decision.best(destination);
    const isUsable = this.isUsable(path);
    const isBestChanged = now !== before || now === path;
    const source = before === NONE ? NONE : (paths.source[before] as number);
    this.best[destination] = now;
    if (isBestChanged) {
      this.onBest?.(destination);
      this.watcher?.best(this.slot, destination);
    }
    for (let i = 0; i < groups.length; i++) {
      const group = groups[i] as ExportGroup;
      if (isBestChanged) group.bestChanged(destination, now, source);
      group.pathChanged(destination, path, isUsable);
    }
  }

  #reserve(): void {
    const { capacity } = this.destinations;
    this.best = longerInt32(this.best, capacity, NONE);
    this.#holds = longerUint32(this.#holds, capacity);
    this.paths.reserve(capacity);
    this.groups.reserve(capacity, false);
  }
}

/** RFC 4486 §4: with the family and the limit. */
const tooMany = (family: number, limit: number, what: string): BgpError => {
  const data = new Uint8Array(7);
  writeU32(data, writeFamily(data, 0, family), limit);
  const message = `${familyName(family)}: the neighbour has announced more than ${limit} ${what}`;
  return new BgpError(ErrorCode.cease, CeaseSubcode.maximumPrefixes, 'remote', message, data);
};
