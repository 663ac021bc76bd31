import type { AttributeStore } from './attribute-store.ts';
import { longerUint32 } from './columns.ts';
import { attributesOf, ExportFilter, flagsOf } from './export-filter.ts';
import { areSameRules, type ExportRules } from './export-rules.ts';
import type { Member } from './member.ts';
import type { Neighbour } from './neighbour.ts';
import { WITHDRAWALS } from './outbox.ts';
import { NONE, type Paths } from './paths.ts';

/** What a group needs of the family that it is of. */
export interface ExportSource {
  readonly store: AttributeStore;
  readonly paths: Paths;
  readonly neighbours: readonly (Neighbour | undefined)[];
  /** By destination the best path, or `NONE`. */
  readonly best: Int32Array;
  /** Whether a path may be chosen, and told of. */
  isUsable(path: number): boolean;
  /** A destination has to stay until `unhold`. */
  hold(destination: number): void;
  unhold(destination: number): void;
}

/**
 * The Adj-RIB-Out of neighbours with equal rules: what they are told of each item is found once for all of them. Items are
 * destinations, of which the best path is told; or paths, for neighbours that take all of them (RFC 7911). The neighbour
 * that a path came from is not told of it.
 */
export class ExportGroup {
  readonly rules: ExportRules;
  readonly members: Member[] = [];
  readonly #from: ExportSource;
  readonly #filter: ExportFilter;
  /** By item. */
  #told = new Uint32Array(0);

  constructor(rules: ExportRules, from: ExportSource) {
    this.rules = rules;
    this.#from = from;
    this.#filter = new ExportFilter(rules, from.store);
  }

  /** Bytes of memory that are taken. */
  get memory(): number {
    return this.members.reduce((sum, { outbox }) => sum + outbox.memory, this.#told.byteLength);
  }

  /** Makes room for items below `capacity`. */
  reserve(capacity: number): void {
    if (capacity <= this.#told.length) return;
    this.#told = longerUint32(this.#told, capacity);
    for (const { outbox } of this.members) outbox.reserve(capacity);
  }

  /** There are routes that its neighbours were not told, for want of an address of ours as the next hop. */
  get lacksNextHop(): boolean {
    return this.#filter.lacksNextHop;
  }

  /** Items are below. */
  get capacity(): number {
    return this.#told.length;
  }

  /** What is told of an item, as in `export-filter.ts`. */
  toldOf(item: number): number {
    return this.#told[item] as number;
  }

  /** @returns bits of `OutFlag` */
  flagsOf(item: number): number {
    return flagsOf(this.#told[item] as number);
  }

  destinationOf(item: number): number {
    return this.rules.takesPaths ? (this.#from.paths.destination[item] as number) : item;
  }

  /** What a path is known by to who is told of it (RFC 7911 §3). */
  pathIdOf(item: number): number {
    return this.rules.takesPaths ? item + 1 : 0;
  }

  /** The best path has become another, or what it says has. @param before who it was from, or `NONE` */
  bestChanged(destination: number, path: number, before: number): void {
    if (this.rules.takesPaths) return;
    const { paths } = this.#from;
    const source = path === NONE ? NONE : (paths.source[path] as number);
    const value = path === NONE ? 0 : this.#valueOf(destination, path);
    this.#change(destination, value, source, before);
  }

  /** A path has become another. @param isUsable it may be told of */
  pathChanged(destination: number, path: number, isUsable: boolean): void {
    if (!this.rules.takesPaths) return;
    const source = this.#from.paths.source[path] as number;
    this.#change(path, isUsable ? this.#valueOf(destination, path) : 0, source, source);
  }

  /** Puts all that there is before a neighbour. */
  tellAll(member: Member): void {
    const told = this.#told;
    for (let item = 0; item < told.length; item++) {
      if (told[item] !== 0 && this.#sourceOf(item) !== member.neighbour.index) {
        this.#tell(member, item, told[item] as number);
      }
    }
  }

  /** The same, to one that has been told by another group; nothing of what is the same. */
  tellChanges(member: Member, other: ExportGroup): void {
    const areAlike = areSameRules({ ...this.rules, policy: other.rules.policy }, other.rules);
    for (let item = 0; item < this.#told.length; item++) {
      const value = this.#sourceOf(item) === member.neighbour.index ? 0 : (this.#told[item] as number);
      if (!areAlike || value !== other.toldOf(item)) this.#tell(member, item, value);
    }
  }

  /** Gives all attributes back, once there is no neighbour left. */
  clear(): void {
    const told = this.#told;
    for (let i = 0; i < told.length; i++) {
      if (told[i] !== 0) this.#from.store.release(attributesOf(told[i] as number));
    }
    told.fill(0);
  }

  /** Whoever leaves holds nothing any more. */
  release({ outbox }: Member): void {
    for (let item = 0; item < this.#told.length; item++) {
      if (outbox.isPending(item) || outbox.wasSent(item)) this.unhold(item);
    }
  }

  /** A neighbour has been told that an item is gone. */
  unhold(item: number): void {
    const destination = this.destinationOf(item);
    if (this.rules.takesPaths) this.#from.paths.unhold(item);
    this.#from.unhold(destination);
  }

  #sourceOf(item: number): number {
    const { best, paths } = this.#from;
    const path = this.rules.takesPaths ? item : (best[item] as number);
    return path === NONE || path === undefined ? NONE : (paths.source[path] as number);
  }

  #valueOf(destination: number, path: number): number {
    const { paths, neighbours } = this.#from;
    const source = neighbours[paths.source[path] as number] as Neighbour;
    return this.#filter.told(destination, (paths.accepted[path] as number) - 1, source);
  }

  /** @param source who is not told, now and before */
  #change(item: number, value: number, source: number, before: number): void {
    const old = this.#told[item] as number;
    this.#told[item] = value;
    if (old !== 0) this.#from.store.release(attributesOf(old));
    const { members } = this;
    for (let i = 0; i < members.length; i++) {
      const member = members[i] as Member;
      const { index } = member.neighbour;
      if (value !== old || (source !== before && (index === source || index === before)))
        this.#tell(member, item, index === source ? 0 : value);
    }
  }

  #tell({ outbox }: Member, item: number, value: number): void {
    const wasSent = outbox.wasSent(item);
    const isPending = outbox.isPending(item);
    if (value !== 0) {
      if (!wasSent && !isPending) this.#hold(item);
      outbox.put(item, attributesOf(value) + 1);
    } else if (wasSent) outbox.put(item, WITHDRAWALS);
    else if (isPending) {
      outbox.drop(item);
      this.unhold(item);
    }
  }

  #hold(item: number): void {
    if (this.rules.takesPaths) this.#from.paths.hold(item);
    this.#from.hold(this.destinationOf(item));
  }
}
