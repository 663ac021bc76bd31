import { longerInt32, longerUint8, longerUint16, longerUint32 } from './columns.ts';

/** No path, no destination. */
export const NONE = -1;

/** Marks of a path. */
export const PathFlag = {
  /** Of a neighbour whose session has ended, kept until it comes back (RFC 4724 §4.2). */
  stale: 0x01,
  /** Kept beyond that, as a last resort (RFC 9494 §4.3). */
  longLived: 0x02,
  /** Was here when the neighbour began to send all of its routes again (RFC 7313 §4). */
  unrefreshed: 0x04,
  /** A flow specification that nothing, or nobody, vouches for (RFC 8955 §6). */
  infeasible: 0x08,
} as const;

const FIRST_CAPACITY = 64;

/**
 * The Adj-RIBs-In of one family: paths chained by destination, so that a choice looks at what there is and at nothing
 * else, however many neighbours there are. A path is known by its place, which may become another's.
 */
export class Paths {
  /** By destination: its first path, or `NONE`. */
  heads = new Int32Array(0);
  /** By path: the next of the same destination, or `NONE`. Free ones are chained by it. */
  next = new Int32Array(FIRST_CAPACITY);
  destination = new Int32Array(FIRST_CAPACITY);
  /** Index of the neighbour that it is from. */
  source = new Uint16Array(FIRST_CAPACITY);
  /** As the neighbour has numbered it (RFC 7911 §3). */
  pathId = new Uint32Array(FIRST_CAPACITY);
  /** Id of the attributes as they came, and as import has left them: 0 when it has rejected the path, or id + 1. */
  received = new Uint32Array(FIRST_CAPACITY);
  accepted = new Uint32Array(FIRST_CAPACITY);
  /** Of `PathFlag`. */
  flags = new Uint8Array(FIRST_CAPACITY);
  size = 0;
  /** All paths are below. */
  limit = 0;
  /** Neighbours that have been told of it as a path of its own, or are to be; of one that is gone, that are to be told so. */
  #holds = new Uint16Array(FIRST_CAPACITY);
  readonly #onGrown: (capacity: number) => void;
  #free = NONE;

  /** @param onGrown columns by path have to be so long */
  constructor(onGrown: (capacity: number) => void) {
    this.#onGrown = onGrown;
  }

  get capacity(): number {
    return this.next.length;
  }

  /** Bytes of memory that are taken. */
  get memory(): number {
    const numbers = [this.heads, this.next, this.destination, this.pathId, this.received, this.accepted];
    const columns = [...numbers, this.source, this.#holds, this.flags];
    return columns.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Makes room for destinations below `capacity`. */
  reserve(capacity: number): void {
    this.heads = longerInt32(this.heads, capacity, NONE);
  }

  /** @returns the path of that neighbour and number, or `NONE` */
  find(destination: number, source: number, pathId: number): number {
    let path = this.heads[destination] as number;
    while (path !== NONE && (this.source[path] !== source || this.pathId[path] !== pathId))
      path = this.next[path] as number;
    return path;
  }

  /** Paths of a neighbour. */
  count(destination: number, source: number): number {
    let count = 0;
    for (let path = this.heads[destination] as number; path !== NONE; path = this.next[path] as number) {
      if (this.source[path] === source) count++;
    }
    return count;
  }

  /** @returns a path that has no attributes yet */
  add(destination: number, source: number, pathId: number): number {
    const path = this.#take();
    this.next[path] = this.heads[destination] as number;
    this.heads[destination] = path;
    this.destination[path] = destination;
    this.#holds[path] = 1;
    this.source[path] = source;
    this.pathId[path] = pathId;
    this.received[path] = 0;
    this.accepted[path] = 0;
    this.flags[path] = 0;
    this.size++;
    return path;
  }

  /** Takes a path out of its chain; what it says is there until `free`. */
  unlink(destination: number, path: number): void {
    const after = this.next[path] as number;
    let at = this.heads[destination] as number;
    if (at === path) {
      this.heads[destination] = after;
      return;
    }
    while (this.next[at] !== path) at = this.next[at] as number;
    this.next[at] = after;
  }

  /** Who holds it keeps its place from becoming another's. */
  free(path: number): void {
    this.size--;
    this.received[path] = 0;
    this.accepted[path] = 0;
    this.unhold(path);
  }

  hold(path: number): void {
    this.#holds[path] = (this.#holds[path] as number) + 1;
  }

  unhold(path: number): void {
    const left = (this.#holds[path] as number) - 1;
    this.#holds[path] = left;
    if (left > 0) return;
    this.next[path] = this.#free;
    this.#free = path;
  }

  #take(): number {
    const free = this.#free;
    if (free !== NONE) {
      this.#free = this.next[free] as number;
      return free;
    }
    if (this.limit === this.next.length) {
      const capacity = 2 * this.limit;
      this.next = longerInt32(this.next, capacity, 0);
      this.destination = longerInt32(this.destination, capacity, 0);
      this.#holds = longerUint16(this.#holds, capacity);
      this.source = longerUint16(this.source, capacity);
      this.pathId = longerUint32(this.pathId, capacity);
      this.received = longerUint32(this.received, capacity);
      this.accepted = longerUint32(this.accepted, capacity);
      this.flags = longerUint8(this.flags, capacity);
      this.#onGrown(capacity);
    }
    return this.limit++;
  }
}
