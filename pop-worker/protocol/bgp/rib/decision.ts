import { type AttributeColumns, RouteFlag } from './attribute-columns.ts';
import type { Neighbour } from './neighbour.ts';
import { type NextHopCosts, UNREACHABLE } from './next-hops.ts';
import { NONE, PathFlag, type Paths } from './paths.ts';
import { OWN } from './route-policy.ts';

/** Of routes without one: external neighbours never send it (RFC 4271 §5.1.5). */
export const DEFAULT_LOCAL_PREF = 100;

/**
 * Chooses the best path of a destination (RFC 4271 §9.1.2). MULTI_EXIT_DISC is compared among all that are equal so far
 * and of one neighbouring AS, so that the choice does not hang on the order in which they came.
 */
export class Decision {
  readonly #paths: Paths;
  readonly #columns: AttributeColumns;
  readonly #neighbours: readonly (Neighbour | undefined)[];
  readonly #comparesAllMeds: boolean;
  readonly #costs: NextHopCosts | undefined;
  /** Paths that are equal up to ORIGIN. */
  readonly #ties: number[] = [];
  #tied = 0;

  /**
   * @param comparesAllMeds MULTI_EXIT_DISC means the same whichever AS has set it
   * @param costs undefined: every next hop is as near as any other
   */
  constructor(
    paths: Paths,
    columns: AttributeColumns,
    neighbours: readonly (Neighbour | undefined)[],
    comparesAllMeds: boolean,
    costs: NextHopCosts | undefined,
  ) {
    this.#paths = paths;
    this.#columns = columns;
    this.#neighbours = neighbours;
    this.#comparesAllMeds = comparesAllMeds;
    this.#costs = costs;
  }

  /** Whether a path may be chosen: import has taken it, and its next hop can be reached (RFC 4271 §9.1.2). */
  isUsable(path: number): boolean {
    const { accepted, flags } = this.#paths;
    if (accepted[path] === 0 || ((flags[path] as number) & PathFlag.infeasible) !== 0) return false;
    return this.#costs === undefined || this.#costOf(path) !== UNREACHABLE;
  }

  /** @returns the best path, or `NONE` */
  best(destination: number): number {
    const { next, heads } = this.#paths;
    this.#tied = 0;
    for (let path = heads[destination] as number; path !== NONE; path = next[path] as number) {
      if (!this.isUsable(path)) continue;
      const order = this.#tied === 0 ? -1 : this.#compareFirst(path, this.#ties[0] as number);
      if (order > 0) continue;
      if (order < 0) this.#tied = 0;
      this.#ties[this.#tied++] = path;
    }
    return this.#tied <= 1 ? (this.#tied === 0 ? NONE : (this.#ties[0] as number)) : this.#breakTies();
  }

  /** Steps before MULTI_EXIT_DISC. @returns negative when `a` is preferred */
  #compareFirst(a: number, b: number): number {
    const { source, accepted } = this.#paths;
    const columns = this.#columns;
    const setA = (accepted[a] as number) - 1;
    const setB = (accepted[b] as number) - 1;
    // RFC 9494 §4.3: the least preferred of all.
    const stale =
      ((columns.flags[setA] as number) & RouteFlag.llgrStale) - ((columns.flags[setB] as number) & RouteFlag.llgrStale);
    if (stale !== 0) return stale;
    if (source[a] !== source[b] && (source[a] === OWN || source[b] === OWN)) return source[a] === OWN ? -1 : 1;
    const preference = localPref(columns, setB) - localPref(columns, setA);
    if (preference !== 0) return preference;
    const length = (columns.pathLength[setA] as number) - (columns.pathLength[setB] as number);
    if (length !== 0) return length;
    return (columns.origin[setA] as number) - (columns.origin[setB] as number);
  }

  #breakTies(): number {
    let best = NONE;
    for (let i = 0; i < this.#tied; i++) {
      const path = this.#ties[i] as number;
      if (this.#hasLowestMed(path) && (best === NONE || this.#compareLast(path, best) < 0)) best = path;
    }
    return best;
  }

  /** RFC 4271 §9.1.2.2 c. */
  #hasLowestMed(path: number): boolean {
    const { accepted } = this.#paths;
    const { med, firstAs } = this.#columns;
    const set = (accepted[path] as number) - 1;
    for (let i = 0; i < this.#tied; i++) {
      const other = (accepted[this.#ties[i] as number] as number) - 1;
      const areComparable = this.#comparesAllMeds || firstAs[other] === firstAs[set];
      if (areComparable && (med[other] as number) < (med[set] as number)) return false;
    }
    return true;
  }

  #costOf(path: number): number {
    const { source, accepted } = this.#paths;
    if (this.#costs === undefined || source[path] === OWN) return 0;
    return this.#costs.costOf(this.#columns.nextHop[(accepted[path] as number) - 1] as number);
  }

  /** RFC 4271 §9.1.2.2 d to g, RFC 4456 §9. @returns negative when `a` is preferred */
  #compareLast(a: number, b: number): number {
    const { source, accepted, pathId } = this.#paths;
    const columns = this.#columns;
    const neighbourA = this.#neighbours[source[a] as number] as Neighbour;
    const neighbourB = this.#neighbours[source[b] as number] as Neighbour;
    const setA = (accepted[a] as number) - 1;
    const setB = (accepted[b] as number) - 1;
    if (neighbourA.isExternal !== neighbourB.isExternal) return neighbourA.isExternal ? -1 : 1;
    const cost = this.#costOf(a) - this.#costOf(b);
    if (cost !== 0) return cost;
    const identifier = identifierOf(columns, setA, neighbourA) - identifierOf(columns, setB, neighbourB);
    if (identifier !== 0) return identifier;
    const clusters = (columns.clusterLength[setA] as number) - (columns.clusterLength[setB] as number);
    if (clusters !== 0) return clusters;
    if (neighbourA !== neighbourB) {
      const address = compareAddresses(neighbourA.settings.address, neighbourB.settings.address);
      return address === 0 ? neighbourA.index - neighbourB.index : address;
    }
    return (pathId[a] as number) - (pathId[b] as number);
  }
}

export const localPref = ({ flags, localPref: values }: AttributeColumns, set: number): number =>
  ((flags[set] as number) & RouteFlag.hasLocalPref) === 0 ? DEFAULT_LOCAL_PREF : (values[set] as number);

/** RFC 4456 §9: ORIGINATOR_ID stands for the identifier of who sent it. */
const identifierOf = ({ flags, originator }: AttributeColumns, set: number, neighbour: Neighbour): number =>
  ((flags[set] as number) & RouteFlag.hasOriginator) === 0 ? neighbour.identifier : (originator[set] as number);

/** IPv4 before IPv6. */
const compareAddresses = (a: Uint8Array, b: Uint8Array): number => {
  if (a.length !== b.length) return a.length - b.length;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
  return 0;
};
