import type { HashKey } from '../../keyed-hash.ts';
import { MAX_CANONICAL_BYTES, writeCanonical } from '../wire/attributes/canonical.ts';
import { copyBytes } from '../wire/bytes.ts';
import type { UpdateReader } from '../wire/update.ts';
import { AttributeColumns } from './attribute-columns.ts';
import { InternedBytes } from './interned-bytes.ts';

/** Bytes of a next hop: none, one address of IPv4, one or two of IPv6. */
const MAX_NEXT_HOP_BYTES = 32;
/** The id of the next hop is before the attributes: sets that differ in it alone are two. */
const HEAD_BYTES = 4;

/**
 * Sets of path attributes, each kept once whoever announced it, in the form that any neighbour can be sent
 * (`writeCanonical`), with a count of references. A set and its next hop have one id; what decisions need of it is in
 * `columns`.
 */
export class AttributeStore {
  readonly columns = new AttributeColumns();
  /** Next hops by id: 0, 4, 16 or 32 bytes. */
  readonly nextHops: InternedBytes;
  /** Hears of each next hop that was not here before. */
  onNewNextHop: (id: number) => void = () => {};
  readonly #sets: InternedBytes;
  readonly #head: Uint32Array;

  constructor(key: HashKey) {
    this.nextHops = new InternedBytes(key, MAX_NEXT_HOP_BYTES);
    this.#sets = new InternedBytes(key, HEAD_BYTES + MAX_CANONICAL_BYTES);
    this.#head = new Uint32Array(this.#sets.scratch.buffer, 0, 1);
  }

  /** Sets that are kept. */
  get size(): number {
    return this.#sets.size;
  }

  /** Bytes of memory that are taken. */
  get memory(): number {
    return this.#sets.memory + this.nextHops.memory + this.columns.memory;
  }

  /**
   * Keeps the attributes of an UPDATE, for the routes of one of its families.
   *
   * @param asBytes of the session: 2 or 4
   * @param nextHopAt where in the message their next hop is: of NEXT_HOP, or of MP_REACH_NLRI
   * @returns the id, with one reference more
   */
  intern(update: UpdateReader, asBytes: 2 | 4, nextHopAt: number, nextHopBytes: number): number {
    const end = writeCanonical(update, asBytes, this.#sets.scratch, HEAD_BYTES);
    return this.#add(end, update.fields.buffer, nextHopAt, nextHopBytes);
  }

  /** Keeps attributes that are canonical already: of our own routes, or changed by policy. @returns as `intern` */
  internBytes(canonical: Uint8Array, nextHop: Uint8Array): number {
    this.#sets.scratch.set(canonical, HEAD_BYTES);
    return this.#add(HEAD_BYTES + canonical.length, nextHop, 0, nextHop.length);
  }

  #add(end: number, buffer: Uint8Array, nextHopAt: number, nextHopBytes: number): number {
    copyBytes(buffer, nextHopAt, nextHopAt + nextHopBytes, this.nextHops.scratch, 0);
    const nextHop = this.nextHops.intern(nextHopBytes);
    if (this.nextHops.wasNew) this.onNewNextHop(nextHop);
    this.#head[0] = nextHop;
    const id = this.#sets.intern(end);
    if (!this.#sets.wasNew) {
      this.nextHops.release(nextHop);
      return id;
    }
    this.columns.reserve(this.#sets.capacity);
    this.columns.derive(id, nextHop, this.#sets.scratch, HEAD_BYTES, end);
    return id;
  }

  retain(id: number): void {
    this.#sets.retain(id);
  }

  references(id: number): number {
    return this.#sets.references(id);
  }

  /** Gives a reference back; with the last one the set goes, and its id may become another's. */
  release(id: number): void {
    if (this.#sets.release(id)) this.nextHops.release(this.columns.nextHop[id] as number);
  }

  /** What the attributes of a set are in; good until the next `intern` or `release`. */
  bytesOf(id: number): Uint8Array {
    return this.#sets.bytesOf(id);
  }

  /** Where in `bytesOf` they begin. */
  startOf(id: number): number {
    return this.#sets.startOf(id) + HEAD_BYTES;
  }

  lengthOf(id: number): number {
    return this.#sets.lengthOf(id) - HEAD_BYTES;
  }
}
