import { RtrErrorCode, remoteError } from './errors.ts';
import type { VrpTable } from './vrp-table.ts';
import { newPrefixRecord, type PrefixRecord } from './wire/prefix.ts';

/** Of an answer: flags and lengths in a word, four of the address, the AS. */
const WORDS = 6;

/** Records of an answer, held until all of it is there: what is used is never half of one (RFC 8210 §8). */
export class Changes {
  count = 0;
  #words = new Uint32Array(64 * WORDS);
  readonly #record = newPrefixRecord();

  /** Bytes of memory that are taken. */
  get memory(): number {
    return this.#words.byteLength;
  }

  clear(): void {
    this.count = 0;
    // One full answer in days is large: its memory is not kept.
    if (this.#words.length > 65_536) this.#words = new Uint32Array(64 * WORDS);
  }

  push({ isAnnounced, bits, length, maxLength, address, as }: PrefixRecord): void {
    const at = this.count * WORDS;
    if (at === this.#words.length) {
      const words = new Uint32Array(this.#words.length * 2);
      words.set(this.#words);
      this.#words = words;
    }
    this.#words[at] = (isAnnounced ? 1 : 0) | (bits === 128 ? 2 : 0) | (length << 8) | (maxLength << 16);
    for (let i = 0; i < 4; i++) this.#words[at + 1 + i] = address[i] as number;
    this.#words[at + 5] = as;
    this.count++;
  }

  /**
   * Does all of them.
   *
   * @throws RtrError when one cannot be done (RFC 8210 §12, 6 and 7); the table is as it was then
   */
  applyTo(table: VrpTable): void {
    for (let i = 0; i < this.count; i++) {
      const record = this.#read(i);
      if (record.isAnnounced ? table.add(record) : table.remove(record)) continue;
      for (let done = i - 1; done >= 0; done--) {
        const before = this.#read(done);
        if (before.isAnnounced) table.remove(before);
        else table.add(before);
      }
      throw this.#read(i).isAnnounced
        ? remoteError(RtrErrorCode.duplicateAnnouncement, 'a record that was announced before')
        : remoteError(RtrErrorCode.withdrawalOfUnknown, 'a withdrawal of what was not announced');
    }
  }

  #read(index: number): PrefixRecord {
    const at = index * WORDS;
    const record = this.#record;
    const head = this.#words[at] as number;
    record.isAnnounced = (head & 1) !== 0;
    record.bits = (head & 2) === 0 ? 32 : 128;
    record.length = (head >>> 8) & 0xff;
    record.maxLength = (head >>> 16) & 0xff;
    for (let i = 0; i < 4; i++) record.address[i] = this.#words[at + 1 + i] as number;
    record.as = this.#words[at + 5] as number;
    return record;
  }
}
