import { type HashKey, hashWords } from '#protocol/keyed-hash.ts';
import { SlotIndex } from './slot-index.ts';
import { FLOW_BYTES, type Section, SectionFlag, type SectionHead, SectionWriter } from './wire.ts';

/** Sessions of one device that are kept at most; as many as a worker lets it have. */
const MOST_FLOWS = 16_384;
const DEFAULT_MOST_BYTES = 1 << 28;
/** What a device costs besides its sessions: its name, its block, a place among all. */
const DEVICE_BYTES = 256;

/** So many sessions are looked through one by one; more have an index. */
const MOST_UNINDEXED = 16;
/** Of one for each session that there is room for: twice as many places, of a hash and a slot. */
const INDEX_BYTES = 16;
const NO_KEY: HashKey = { k0: 0, k1: 0 };

interface Replica {
  head: SectionHead;
  bytes: Uint8Array;
  count: number;
  /** Places of its sessions in `bytes` by their hash; undefined while there are few. */
  index: SlotIndex | undefined;
  /** When nobody had the device any more; undefined: somebody has. */
  goneAt: number | undefined;
}

/** What tells sessions apart: all but the state. */
const isSame = (one: Uint8Array, at: number, other: Uint8Array, from: number, entryBytes: number): boolean => {
  if (one[at] !== other[from]) return false;
  for (let k = 2; k < entryBytes; k++) if (one[at + k] !== other[from + k]) return false;
  return true;
};

/** Sessions of devices, those of this worker and those that it keeps for others, by device. */
export class Replicas {
  readonly #devices = new Map<string, Replica>();
  readonly #mostBytes: number;
  readonly #entryBytes: number;
  readonly #key: HashKey;
  readonly #words: Int32Array;
  /** Sessions altogether, the memory that they and their devices take, and what there was no room for. */
  flows = 0;
  bytes = 0;
  /** Sessions that others were compared with. */
  looked = 0;
  refused = 0;

  /**
   * @param entryBytes of a session; its second byte is its state
   * @param key secret, so that nobody can choose sessions that all are looked for at one place
   */
  constructor(mostBytes: number = DEFAULT_MOST_BYTES, entryBytes: number = FLOW_BYTES, key: HashKey = NO_KEY) {
    this.#mostBytes = mostBytes;
    this.#entryBytes = entryBytes;
    this.#key = key;
    this.#words = new Int32Array(Math.ceil(entryBytes / 4));
  }

  get size(): number {
    return this.#devices.size;
  }

  has(key: string): boolean {
    return this.#devices.has(key);
  }

  keys(): IterableIterator<string> {
    return this.#devices.keys();
  }

  /** What is told of a device. @param buffer that the section lies in */
  apply(section: Section, buffer: Uint8Array): void {
    const { key, address, port, ports } = section;
    let replica = this.#devices.get(key);
    const isOther = replica !== undefined && (replica.head.address !== address || replica.head.port !== port);
    // Sessions of another block are over: nothing of them can go on.
    if (replica !== undefined && (isOther || (section.flags & SectionFlag.first) !== 0)) this.#clear(replica);
    if (replica === undefined) {
      if (this.bytes + DEVICE_BYTES > this.#mostBytes) {
        this.refused += Math.max(1, section.count);
        return;
      }
      this.bytes += DEVICE_BYTES;
      replica = {
        head: { key, address, port, ports },
        bytes: new Uint8Array(0),
        count: 0,
        index: undefined,
        goneAt: undefined,
      };
      this.#devices.set(key, replica);
    } else if (isOther) replica.head = { key, address, port, ports };
    replica.goneAt = undefined;
    for (let i = 0; i < section.count; i++) this.#flow(replica, buffer, section.at + i * this.#entryBytes);
  }

  #flow(replica: Replica, buffer: Uint8Array, at: number): void {
    const entryBytes = this.#entryBytes;
    const state = buffer[at + 1] as number;
    const hash = this.#hash(buffer, at);
    const slot = this.#find(replica, buffer, at, hash);
    if (slot >= 0) {
      if (state > 0) replica.bytes[slot * entryBytes + 1] = state;
      else this.#remove(replica, slot, hash);
      return;
    }
    if (state === 0) return;
    if (replica.count * entryBytes === replica.bytes.length && !this.#grow(replica)) {
      this.refused++;
      return;
    }
    replica.bytes.set(buffer.subarray(at, at + entryBytes), replica.count * entryBytes);
    replica.index?.add(hash, replica.count);
    replica.count++;
    this.flows++;
  }

  #hash(bytes: Uint8Array, at: number): number {
    const words = this.#words.fill(0);
    for (let k = 0; k < this.#entryBytes; k++)
      if (k !== 1) words[k >> 2] = (words[k >> 2] as number) | ((bytes[at + k] as number) << (8 * (k & 3)));
    return hashWords(words, 0, words.length, this.#key);
  }

  /** @returns the slot of the session that has the same ends, or -1 */
  #find({ bytes, count, index }: Replica, from: Uint8Array, at: number, hash: number): number {
    const entryBytes = this.#entryBytes;
    if (index === undefined) {
      this.looked += count;
      for (let slot = 0; slot < count; slot++) if (isSame(bytes, slot * entryBytes, from, at, entryBytes)) return slot;
      return -1;
    }
    for (let place = index.first(hash); place >= 0; place = index.next(place, hash)) {
      this.looked++;
      const slot = index.slot(place);
      if (isSame(bytes, slot * entryBytes, from, at, entryBytes)) return slot;
    }
    return -1;
  }

  /** The last session comes in its place. */
  #remove(replica: Replica, slot: number, hash: number): void {
    const { bytes, index } = replica;
    const entryBytes = this.#entryBytes;
    const last = --replica.count;
    this.flows--;
    index?.remove(hash, slot);
    if (slot === last) return;
    bytes.copyWithin(slot * entryBytes, last * entryBytes, (last + 1) * entryBytes);
    const moved = this.#hash(bytes, slot * entryBytes);
    index?.remove(moved, last);
    index?.add(moved, slot);
  }

  #grow(replica: Replica): boolean {
    const before = replica.bytes.length / this.#entryBytes;
    const room = Math.max(4, 2 * before);
    const more = this.#bytesOf(room) - this.#bytesOf(before);
    if (room > MOST_FLOWS || this.bytes + more > this.#mostBytes) return false;
    const grown = new Uint8Array(room * this.#entryBytes);
    grown.set(replica.bytes);
    replica.bytes = grown;
    this.bytes += more;
    if (room <= MOST_UNINDEXED) return true;
    replica.index = new SlotIndex(2 * room);
    for (let slot = 0; slot < replica.count; slot++)
      replica.index.add(this.#hash(grown, slot * this.#entryBytes), slot);
    return true;
  }

  /** Memory of so many sessions of one device. */
  #bytesOf(room: number): number {
    return room * (this.#entryBytes + (room > MOST_UNINDEXED ? INDEX_BYTES : 0));
  }

  #clear(replica: Replica): void {
    this.flows -= replica.count;
    this.bytes -= this.#bytesOf(replica.bytes.length / this.#entryBytes);
    replica.count = 0;
    replica.bytes = new Uint8Array(0);
    replica.index = undefined;
  }

  forget(key: string): void {
    const replica = this.#devices.get(key);
    if (replica === undefined) return;
    this.#clear(replica);
    this.bytes -= DEVICE_BYTES;
    this.#devices.delete(key);
  }

  /** Nobody has the device any more, or somebody has it again. @param now of any clock */
  mark(key: string, isGone: boolean, now: number): void {
    const replica = this.#devices.get(key);
    if (replica !== undefined) replica.goneAt = isGone ? (replica.goneAt ?? now) : undefined;
  }

  /** Forgets whom nobody has had since then. */
  forgetGone(since: number): void {
    for (const [key, { goneAt }] of this.#devices) if (goneAt !== undefined && goneAt < since) this.forget(key);
  }

  /** All that is known of a device, in messages. @param send is lent each; none when nothing is known */
  tellAll(key: string, send: (message: Uint8Array) => void): void {
    const replica = this.#devices.get(key);
    if (replica === undefined) return;
    const writer = new SectionWriter(this.#entryBytes);
    writer.begin(replica.head, SectionFlag.first | (replica.count === 0 ? SectionFlag.last : 0));
    for (let i = 0; i < replica.count; i++) {
      if (writer.addBytes(replica.bytes, i * this.#entryBytes)) continue;
      send(writer.take());
      writer.begin(replica.head, 0);
      writer.addBytes(replica.bytes, i * this.#entryBytes);
    }
    if (replica.count > 0 && !writer.begin(replica.head, SectionFlag.last)) {
      send(writer.take());
      writer.begin(replica.head, SectionFlag.last);
    }
    send(writer.take());
  }
}
