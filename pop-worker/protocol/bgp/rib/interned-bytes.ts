import { type HashKey, hashWords } from '../../keyed-hash.ts';
import { HashSlots } from './hash-slots.ts';

/** Words of a chunk: 256 KiB, and more than the longest entry takes. */
const CHUNK_BITS = 16;
const CHUNK_WORDS = 1 << CHUNK_BITS;
/** An entry begins with its id and its length in bytes. */
const HEAD_WORDS = 2;
/** Longest that can be kept. */
export const MAX_INTERNED_BYTES = (CHUNK_WORDS - HEAD_WORDS) * 4;

/**
 * Strings of bytes, each kept once and known by a small number, with a count of references. Found by an open-addressing
 * hash; kept one behind the other in chunks. What has been released leaves holes, and a chunk that is half holes is
 * emptied into another, so that no more than twice what is kept is taken. Nothing is allocated for an entry.
 */
export class InternedBytes {
  /** Where the bytes to `intern` are put. */
  readonly scratch: Uint8Array;
  readonly #scratchWords: Int32Array;
  /** The last `intern` made an entry. */
  wasNew = false;
  /** Entries that are kept. */
  size = 0;

  readonly #key: HashKey;
  readonly #slots = new HashSlots();
  /** By id: place of the entry's head, chunk and word in one; free ids are chained, in `#references` too. */
  #places = new Uint32Array(64);
  #references = new Uint32Array(64);
  #ids = 0;
  #freeId = -1;

  readonly #chunks: Int32Array[] = [];
  readonly #chunkBytes: Uint8Array[] = [];
  /** By chunk: words of entries that are kept. */
  readonly #live: number[] = [];
  readonly #freeChunks: number[] = [];
  #chunk = -1;
  #filled = CHUNK_WORDS;

  /** @param longest bytes of an entry, up to `MAX_INTERNED_BYTES` */
  constructor(key: HashKey, longest: number) {
    if (longest > MAX_INTERNED_BYTES) throw new RangeError(`entries of ${longest} bytes do not fit a chunk`);
    this.#key = key;
    this.#scratchWords = new Int32Array((longest + 3) >>> 2);
    this.scratch = new Uint8Array(this.#scratchWords.buffer);
  }

  /** Ids are below this; columns of a caller have to be so long. */
  get capacity(): number {
    return this.#places.length;
  }

  /** Bytes of memory that are taken, without what an id takes elsewhere. */
  get memory(): number {
    const perId = this.#places.byteLength + this.#references.byteLength;
    return this.scratch.length + this.#slots.pairs.byteLength + perId + this.#chunks.length * CHUNK_WORDS * 4;
  }

  /** Keeps the first `length` bytes of `scratch`, or finds them. @returns the id, with one reference more */
  intern(length: number): number {
    const scratch = this.scratch;
    const words = (length + 3) >>> 2;
    for (let i = length; i < words * 4; i++) scratch[i] = 0;
    const hash = hashWords(this.#scratchWords, 0, words, this.#key);
    const { pairs, mask } = this.#slots;
    let slot = hash & mask;
    for (;;) {
      const id = (pairs[2 * slot] as number) - 1;
      if (id < 0) break;
      if (pairs[2 * slot + 1] === hash && this.#holds(id, length, words)) {
        this.wasNew = false;
        this.#references[id] = (this.#references[id] as number) + 1;
        return id;
      }
      slot = (slot + 1) & mask;
    }
    return this.#add(slot, hash, length, words);
  }

  #holds(id: number, length: number, words: number): boolean {
    const place = this.#places[id] as number;
    const chunk = this.#chunks[place >>> CHUNK_BITS] as Int32Array;
    let at = place & (CHUNK_WORDS - 1);
    if (chunk[at + 1] !== length) return false;
    at += HEAD_WORDS;
    const scratch = this.#scratchWords;
    for (let i = 0; i < words; i++) if (chunk[at + i] !== scratch[i]) return false;
    return true;
  }

  #add(slot: number, hash: number, length: number, words: number): number {
    const id = this.#takeId();
    const place = this.#allocate(words + HEAD_WORDS);
    const chunk = this.#chunks[place >>> CHUNK_BITS] as Int32Array;
    let at = place & (CHUNK_WORDS - 1);
    chunk[at++] = id;
    chunk[at++] = length;
    const scratch = this.#scratchWords;
    for (let i = 0; i < words; i++) chunk[at + i] = scratch[i] as number;
    this.#places[id] = place;
    this.#references[id] = 1;
    this.#slots.put(slot, id, hash);
    this.#slots.growFor(++this.size);
    this.wasNew = true;
    return id;
  }

  #takeId(): number {
    const free = this.#freeId;
    if (free >= 0) {
      this.#freeId = (this.#places[free] as number) - 1;
      return free;
    }
    if (this.#ids === this.#places.length) {
      this.#places = grown(this.#places);
      this.#references = grown(this.#references);
    }
    return this.#ids++;
  }

  retain(id: number): void {
    this.#references[id] = (this.#references[id] as number) + 1;
  }

  references(id: number): number {
    return this.#references[id] as number;
  }

  /** Gives a reference back; with the last one, the entry goes. Places of others may change. @returns whether it went */
  release(id: number): boolean {
    const left = (this.#references[id] as number) - 1;
    this.#references[id] = left;
    if (left > 0) return false;
    const place = this.#places[id] as number;
    const chunk = place >>> CHUNK_BITS;
    const at = place & (CHUNK_WORDS - 1);
    const words = ((this.lengthOf(id) + 3) >>> 2) + HEAD_WORDS;
    const hash = hashWords(this.#chunks[chunk] as Int32Array, at + HEAD_WORDS, at + words, this.#key);
    this.#slots.remove(this.#slotOf(id, hash));
    this.size--;
    this.#places[id] = this.#freeId + 1;
    this.#freeId = id;
    this.#live[chunk] = (this.#live[chunk] as number) - words;
    this.#tidy(chunk);
    return true;
  }

  /** Chunk that an entry is in; good until the next `intern` or `release`. */
  bytesOf(id: number): Uint8Array {
    return this.#chunkBytes[(this.#places[id] as number) >>> CHUNK_BITS] as Uint8Array;
  }

  /** Where in `bytesOf` it begins. */
  startOf(id: number): number {
    return (((this.#places[id] as number) & (CHUNK_WORDS - 1)) + HEAD_WORDS) * 4;
  }

  lengthOf(id: number): number {
    const place = this.#places[id] as number;
    return (this.#chunks[place >>> CHUNK_BITS] as Int32Array)[(place & (CHUNK_WORDS - 1)) + 1] as number;
  }

  #allocate(words: number): number {
    let last = -1;
    if (this.#filled + words > CHUNK_WORDS) {
      last = this.#chunk;
      this.#openChunk();
    }
    const place = this.#chunk * CHUNK_WORDS + this.#filled;
    this.#filled += words;
    this.#live[this.#chunk] = (this.#live[this.#chunk] as number) + words;
    // It may have become half empty while it was filled.
    if (last >= 0) this.#tidy(last);
    return place;
  }

  #openChunk(): void {
    this.#chunk = this.#freeChunks.pop() ?? this.#chunks.length;
    if (this.#chunk === this.#chunks.length) {
      const words = new Int32Array(CHUNK_WORDS);
      this.#chunks.push(words);
      this.#chunkBytes.push(new Uint8Array(words.buffer));
    }
    this.#live[this.#chunk] = 0;
    this.#filled = 0;
  }

  /** Empties a chunk that is half empty, unless it is being filled. */
  #tidy(chunk: number): void {
    if (chunk !== this.#chunk && (this.#live[chunk] as number) * 2 < CHUNK_WORDS) this.#empty(chunk);
  }

  /** Moves what a chunk still holds to where new entries go. */
  #empty(chunk: number): void {
    const words = this.#chunks[chunk] as Int32Array;
    let left = this.#live[chunk] as number;
    for (let at = 0; left > 0; ) {
      const id = words[at] as number;
      const size = (((words[at + 1] as number) + 3) >>> 2) + HEAD_WORDS;
      if ((this.#references[id] as number) > 0 && this.#places[id] === chunk * CHUNK_WORDS + at) {
        const place = this.#allocate(size);
        (this.#chunks[place >>> CHUNK_BITS] as Int32Array).set(
          words.subarray(at, at + size),
          place & (CHUNK_WORDS - 1),
        );
        this.#places[id] = place;
        left -= size;
      }
      at += size;
    }
    this.#live[chunk] = 0;
    this.#freeChunks.push(chunk);
  }

  #slotOf(id: number, hash: number): number {
    const { pairs, mask } = this.#slots;
    let slot = hash & mask;
    while (pairs[2 * slot] !== id + 1) slot = (slot + 1) & mask;
    return slot;
  }
}

const grown = (array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> => {
  const longer = new Uint32Array(array.length * 2);
  longer.set(array);
  return longer;
};
