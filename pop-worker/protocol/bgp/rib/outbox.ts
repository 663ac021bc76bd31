import { longerInt32, longerUint8 } from './columns.ts';

const END = -1;
const IDLE = -2;
/** Bucket of what is to be withdrawn; others are ids of attributes, and 1 more. */
export const WITHDRAWALS = 0;

/**
 * What one neighbour is still to be told of one family, and what it has been told: items (destinations, or paths of them)
 * in buckets of equal attributes, so that UPDATEs are as full as they may be, however the changes came. Doubly chained, so
 * that a later change takes the place of an earlier one at once. Withdrawals go first, then buckets in the order in which
 * they were opened.
 */
export class Outbox {
  /** Items that are still to be told. */
  pending = 0;
  /** Items that have been announced, and not been withdrawn. */
  announced = 0;
  /** By item: the next in its bucket, or `IDLE`; the one before it, or the complement of its bucket. */
  #next = new Int32Array(0);
  #previous = new Int32Array(0);
  /** By bucket: its first item; the bucket that was opened after it, or `IDLE`. */
  #heads = new Int32Array(0);
  #later = new Int32Array(0);
  #first = END;
  #last = END;
  /** A bit an item: it has been announced, and not been withdrawn. */
  #sent = new Uint8Array(0);

  /** Bytes of memory that are taken. */
  get memory(): number {
    return 2 * this.#next.byteLength + 2 * this.#heads.byteLength + this.#sent.byteLength;
  }

  /** Makes room for items below `capacity`. */
  reserve(capacity: number): void {
    if (capacity <= this.#next.length) return;
    this.#next = longerInt32(this.#next, capacity, IDLE);
    this.#previous = longerInt32(this.#previous, capacity, 0);
    this.#sent = longerUint8(this.#sent, (capacity + 7) >>> 3);
  }

  isPending(item: number): boolean {
    return this.#next[item] !== IDLE;
  }

  wasSent(item: number): boolean {
    return (((this.#sent[item >>> 3] as number) >>> (item & 7)) & 1) !== 0;
  }

  /** Puts an item in a bucket, out of the one that it may be in. */
  put(item: number, bucket: number): void {
    if (this.isPending(item)) this.#unlink(item);
    if (bucket >= this.#heads.length) this.#reserveBuckets(bucket + 1);
    const head = this.#heads[bucket] as number;
    this.#next[item] = head;
    this.#previous[item] = ~bucket;
    this.#heads[bucket] = item;
    this.pending++;
    if (head !== END) this.#previous[head] = item;
    else if (bucket !== WITHDRAWALS) this.#open(bucket);
  }

  /** It is not to be told any more. */
  drop(item: number): void {
    this.#unlink(item);
  }

  /** @returns the first item that is to be told in this bucket, or -1 */
  headOf(bucket: number): number {
    return bucket < this.#heads.length ? (this.#heads[bucket] as number) : END;
  }

  /** @returns the bucket whose turn it is; -1 when there is nothing to tell */
  turn(): number {
    if (this.headOf(WITHDRAWALS) !== END) return WITHDRAWALS;
    while (this.#first !== END && this.#heads[this.#first] === END) {
      const empty = this.#first;
      this.#first = this.#later[empty] as number;
      this.#later[empty] = IDLE;
    }
    if (this.#first === END) this.#last = END;
    return this.#first;
  }

  /** An item has been announced, or withdrawn. */
  told(item: number, isAnnounced: boolean): void {
    this.#unlink(item);
    const at = item >>> 3;
    const bit = 1 << (item & 7);
    const before = this.#sent[at] as number;
    if (((before & bit) !== 0) === isAnnounced) return;
    this.#sent[at] = before ^ bit;
    this.announced += isAnnounced ? 1 : -1;
  }

  #unlink(item: number): void {
    const next = this.#next[item] as number;
    const previous = this.#previous[item] as number;
    if (previous < 0) this.#heads[~previous] = next;
    else this.#next[previous] = next;
    if (next !== END) this.#previous[next] = previous;
    this.#next[item] = IDLE;
    this.pending--;
  }

  /** To the end of those whose turn comes, unless it still waits from an earlier time. */
  #open(bucket: number): void {
    if (this.#later[bucket] !== IDLE) return;
    this.#later[bucket] = END;
    if (this.#last === END) this.#first = bucket;
    else this.#later[this.#last] = bucket;
    this.#last = bucket;
  }

  #reserveBuckets(least: number): void {
    let capacity = Math.max(64, this.#heads.length);
    while (capacity < least) capacity *= 2;
    this.#heads = longerInt32(this.#heads, capacity, END);
    this.#later = longerInt32(this.#later, capacity, IDLE);
  }
}
