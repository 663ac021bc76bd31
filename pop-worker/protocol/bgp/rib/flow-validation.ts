import type { HashKey } from '../../keyed-hash.ts';
import { u32At } from '../wire/bytes.ts';
import { readPrefix } from '../wire/flowspec/prefix.ts';
import { RouteFlag } from './attribute-columns.ts';
import type { FamilyRib } from './family-rib.ts';
import type { FlowDestinations } from './flow-destinations.ts';
import type { Neighbour } from './neighbour.ts';
import { NONE, PathFlag } from './paths.ts';
import { maskOf, NO_PREFIX, PrefixTable } from './prefix-table.ts';
import { OWN } from './route-policy.ts';

const DESTINATION = 1;

/**
 * Whether flow specifications may be used: by the unicast routes to what they are about (RFC 8955 §6, RFC 8956 §5, RFC 9117
 * §4). One that has come is not used before it was looked at, and each is looked at again when a unicast route has changed
 * that it hangs on; all together, in one walk through the unicast routes, when `run` is called.
 */
export class FlowValidation {
  /** Something has changed since `run`. */
  isDue = false;
  readonly #flows: FamilyRib;
  readonly #specs: FlowDestinations;
  readonly #unicast: FamilyRib;
  readonly #prefixes: PrefixTable;
  readonly #key: HashKey;
  /** Destination prefixes of flow specifications, and all that are shorter and cover one. */
  #destinations: PrefixTable;
  #covers: PrefixTable;
  #lengths: number[] = [];
  /** By id of a destination: its best unicast route, or `NONE`; more specific ones are from another AS. */
  #matches = new Int32Array(0);
  #isShared = new Uint8Array(0);
  readonly #address = new Uint32Array(4);
  readonly #masked = new Uint32Array(4);

  /** @param prefixes of `unicast` */
  constructor(flows: FamilyRib, specs: FlowDestinations, unicast: FamilyRib, prefixes: PrefixTable, key: HashKey) {
    this.#flows = flows;
    this.#specs = specs;
    this.#unicast = unicast;
    this.#prefixes = prefixes;
    this.#key = key;
    this.#destinations = new PrefixTable(prefixes.bits, key);
    this.#covers = new PrefixTable(prefixes.bits, key);
    flows.onPath = (path) => this.#hasCome(path);
    unicast.onBest = (destination) => this.#hasChanged(destination);
  }

  run(): void {
    this.isDue = false;
    this.#collect();
    for (let id = 0; id < this.#destinations.limit; id++) this.#matches[id] = this.#match(id);
    this.#isShared.fill(0);
    if (this.#destinations.size > 0) this.#findShared();
    const { paths } = this.#flows;
    for (let path = 0; path < paths.limit; path++) {
      if (paths.received[path] === 0) continue;
      const flags = paths.flags[path] as number;
      const isUsable = paths.accepted[path] === 0 || this.#isFeasible(path);
      const now = isUsable ? flags & ~PathFlag.infeasible : flags | PathFlag.infeasible;
      paths.flags[path] = now;
      if (now !== flags) this.#flows.changed(paths.destination[path] as number, path);
    }
  }

  #hasCome(path: number): void {
    const { paths, neighbours } = this.#flows;
    this.isDue = true;
    const from = neighbours[paths.source[path] as number] as Neighbour;
    if (isChecked(from)) paths.flags[path] = (paths.flags[path] as number) | PathFlag.infeasible;
  }

  #hasChanged(destination: number): void {
    if (this.isDue || this.#destinations.size === 0) return;
    const length = this.#prefixes.lengthOf(destination);
    this.#prefixes.addressOf(destination, this.#address);
    this.isDue =
      this.#covers.find(this.#address, length) !== NO_PREFIX || this.#destinations.lookup(this.#address) !== NO_PREFIX;
  }

  /** Finds what flow specifications are about. */
  #collect(): void {
    const { paths } = this.#flows;
    this.#destinations = new PrefixTable(this.#prefixes.bits, this.#key);
    this.#covers = new PrefixTable(this.#prefixes.bits, this.#key);
    const lengths = new Set<number>();
    for (let path = 0; path < paths.limit; path++) {
      if (paths.received[path] === 0) continue;
      const length = this.#readDestination(path);
      if (length < 0) continue;
      lengths.add(length);
      this.#destinations.intern(this.#address, length);
      for (let shorter = length; shorter >= 0; shorter--) this.#covers.intern(this.#mask(shorter), shorter);
    }
    this.#lengths = [...lengths];
    this.#matches = new Int32Array(this.#destinations.capacity);
    this.#isShared = new Uint8Array(this.#destinations.capacity);
  }

  /** Puts the address of its destination prefix into `#address`. @returns its length; -1 when it has none from the first bit on */
  #readDestination(path: number): number {
    const bytes = this.#specs.bytesOf(this.#flows.paths.destination[path] as number);
    if (bytes[0] !== DESTINATION) return -1;
    const { address, length, offset } = readPrefix(bytes, 0, this.#prefixes.bits);
    if (offset !== 0) return -1;
    for (let i = 0; i < address.length; i += 4) this.#address[i >>> 2] = u32At(address, i);
    return length;
  }

  #mask(length: number): Uint32Array {
    for (let i = 0; i < 4; i++) this.#masked[i] = (this.#address[i] as number) & maskOf(length - 32 * i);
    return this.#masked;
  }

  /** The best path of the longest unicast prefix that covers a destination. */
  #match(id: number): number {
    this.#destinations.addressOf(id, this.#address);
    for (let length = this.#destinations.lengthOf(id); length >= 0; length--) {
      const unicast = this.#prefixes.find(this.#mask(length), length);
      const path = unicast === NO_PREFIX ? NONE : (this.#unicast.best[unicast] as number);
      if (path !== NONE) return path;
    }
    return NONE;
  }

  /** Marks destinations to parts of which another AS leads. */
  #findShared(): void {
    const { best } = this.#unicast;
    for (let unicast = 0; unicast < this.#prefixes.limit; unicast++) {
      const path = best[unicast] as number;
      if (path === NONE) continue;
      this.#prefixes.addressOf(unicast, this.#address);
      for (const length of this.#lengths) {
        if (length >= this.#prefixes.lengthOf(unicast)) continue;
        const id = this.#destinations.find(this.#mask(length), length);
        if (id === NO_PREFIX || this.#matches[id] === NONE) continue;
        if (firstAsOf(this.#unicast, path) !== firstAsOf(this.#unicast, this.#matches[id] as number))
          this.#isShared[id] = 1;
      }
    }
  }

  #isFeasible(path: number): boolean {
    const flows = this.#flows;
    const from = flows.neighbours[flows.paths.source[path] as number] as Neighbour;
    if (!isChecked(from)) return true;
    const length = this.#readDestination(path);
    if (length < 0) return from.settings.flowValidation === 'any-destination';
    const id = this.#destinations.find(this.#address, length);
    const match = this.#matches[id] as number;
    const isFromInside = !from.isExternal && pathLengthOf(flows, path) === 0;
    if (match === NONE) return isFromInside;
    if (from.isExternal && firstAsOf(flows, path) !== firstAsOf(this.#unicast, match)) return false;
    return this.#isShared[id] === 0 && (isFromInside || this.#haveSameOriginator(path, match));
  }

  /** ORIGINATOR_ID, or else the address of who has sent it. */
  #haveSameOriginator(flow: number, match: number): boolean {
    const a = originatorOf(this.#flows, flow);
    const b = originatorOf(this.#unicast, match);
    if (a !== undefined || b !== undefined)
      return (a ?? addressOf(this.#flows, flow)) === (b ?? addressOf(this.#unicast, match));
    return this.#flows.paths.source[flow] === this.#unicast.paths.source[match];
  }
}

const isChecked = ({ index, settings }: Neighbour): boolean => index !== OWN && settings.flowValidation !== 'none';

const setOf = ({ paths }: FamilyRib, path: number): number => (paths.accepted[path] as number) - 1;

const firstAsOf = (rib: FamilyRib, path: number): number => rib.store.columns.firstAs[setOf(rib, path)] as number;

const pathLengthOf = (rib: FamilyRib, path: number): number => rib.store.columns.pathLength[setOf(rib, path)] as number;

const originatorOf = (rib: FamilyRib, path: number): number | undefined => {
  const { flags, originator } = rib.store.columns;
  const set = setOf(rib, path);
  return ((flags[set] as number) & RouteFlag.hasOriginator) === 0 ? undefined : originator[set];
};

/** Of who has sent it, as ORIGINATOR_ID would be: only one of IPv4 may be the same. */
const addressOf = ({ neighbours, paths }: FamilyRib, path: number): number | undefined => {
  const { address } = (neighbours[paths.source[path] as number] as Neighbour).settings;
  return address.length === 4 ? u32At(address, 0) : undefined;
};
