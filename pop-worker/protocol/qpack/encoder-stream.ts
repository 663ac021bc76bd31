import type { DynamicTable } from './dynamic-table.ts';
import { encoderStreamError } from './errors.ts';
import { FIELD_OVERHEAD_BYTES } from './field.ts';
import { IntegerReader, MAX_INTEGER_BYTES, writeInteger } from './integer.ts';
import { STATIC_TABLE } from './static-table.ts';
import { INVALID_HUFFMAN, readString, TOO_LONG, writeString } from './strings.ts';

/** What an integer on the stream says. */
const Meaning = { capacity: 0, duplicate: 1, staticName: 2, dynamicName: 3, nameLength: 4, valueLength: 5 } as const;
type Meaning = (typeof Meaning)[keyof typeof Meaning];

/** Bits of the longest Huffman code (RFC 7541 Appendix B). */
const LONGEST_CODE = 30;

/**
 * Reads the peer's encoder stream (RFC 9204 §4.3), cut anywhere, into our table. What waits for the rest of a string is
 * at most what could still become an entry of the table.
 */
export class EncoderStreamReader {
  readonly #table: DynamicTable;
  readonly #integer = new IntegerReader();
  #meaning: Meaning = Meaning.capacity;
  #inInteger = false;
  #valueFollows = false;
  #huffman = false;
  #name = '';
  /** Bytes of a string that are still to come. */
  #missing = 0;
  #collected: Uint8Array | undefined;
  #scratch: Uint8Array | undefined;

  constructor(table: DynamicTable) {
    this.#table = table;
  }

  /** @throws QpackError QPACK_ENCODER_STREAM_ERROR */
  push(buffer: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      if (this.#missing > 0) at = this.#stringBytes(buffer, at, end);
      else this.#byte(buffer[at++] as number);
    }
  }

  #byte(byte: number): void {
    if (this.#inInteger) {
      const state = this.#integer.push(byte);
      if (state === -1) throw encoderStreamError('integer too large');
      if (state === 0) return;
      this.#inInteger = false;
      this.#integerRead();
    } else if (this.#valueFollows) {
      this.#valueFollows = false;
      this.#huffman = (byte & 0x80) !== 0;
      this.#begin(Meaning.valueLength, byte, 7);
    } else this.#instruction(byte);
  }

  #instruction(byte: number): void {
    // RFC 9204 §4.3.2: 1T, name index
    if ((byte & 0x80) !== 0) this.#begin((byte & 0x40) !== 0 ? Meaning.staticName : Meaning.dynamicName, byte, 6);
    else if ((byte & 0x40) !== 0) {
      // RFC 9204 §4.3.3: 01H, name
      this.#huffman = (byte & 0x20) !== 0;
      this.#begin(Meaning.nameLength, byte, 5);
    } else this.#begin((byte & 0x20) !== 0 ? Meaning.capacity : Meaning.duplicate, byte, 5);
  }

  #begin(meaning: Meaning, byte: number, prefixBits: number): void {
    this.#meaning = meaning;
    if (this.#integer.begin(byte, prefixBits)) this.#integerRead();
    else this.#inInteger = true;
  }

  #integerRead(): void {
    const { value } = this.#integer;
    switch (this.#meaning) {
      case Meaning.capacity:
        // RFC 9204 §4.3.1
        if (!this.#table.setCapacity(value)) throw encoderStreamError('capacity above our limit');
        break;
      case Meaning.duplicate: {
        const { name, value: content } = this.#entry(value);
        this.#insert(name, content);
        break;
      }
      case Meaning.staticName: {
        const field = STATIC_TABLE[value];
        // RFC 9204 §3.1
        if (field === undefined) throw encoderStreamError(`no entry ${value} in the static table`);
        this.#nameRead(field.name);
        break;
      }
      case Meaning.dynamicName:
        this.#nameRead(this.#entry(value).name);
        break;
      default:
        this.#beginString(value);
    }
  }

  /** RFC 9204 §3.2.5: 0 is the newest. */
  #entry(relative: number) {
    const entry = this.#table.get(this.#table.inserted - 1 - relative);
    if (entry === undefined) throw encoderStreamError(`no entry ${relative} in the dynamic table`);
    return entry;
  }

  #beginString(length: number): void {
    const limit = this.#room();
    const least = this.#huffman ? Math.floor((length * 8) / LONGEST_CODE) : length;
    if (least > limit) throw encoderStreamError('entry larger than the table');
    this.#missing = length;
    if (length === 0) this.#stringRead(this.#scratch ?? new Uint8Array(0), 0, 0);
  }

  /** Bytes that the string may have which comes now. */
  #room(): number {
    const name = this.#meaning === Meaning.valueLength ? this.#name.length : 0;
    return this.#table.capacity - FIELD_OVERHEAD_BYTES - name;
  }

  #stringBytes(buffer: Uint8Array, start: number, end: number): number {
    const to = start + Math.min(this.#missing, end - start);
    const length = to - start;
    if (this.#collected === undefined && length === this.#missing) {
      this.#missing = 0;
      this.#stringRead(buffer, start, to);
      return to;
    }
    this.#collected ??= new Uint8Array(this.#missing);
    const collected = this.#collected;
    collected.set(buffer.subarray(start, to), collected.length - this.#missing);
    this.#missing -= length;
    if (this.#missing === 0) {
      this.#collected = undefined;
      this.#stringRead(collected, 0, collected.length);
    }
    return to;
  }

  #stringRead(buffer: Uint8Array, start: number, end: number): void {
    this.#scratch ??= new Uint8Array(this.#table.maxCapacity);
    const text = readString(buffer, start, end, this.#huffman, this.#room(), this.#scratch);
    if (text === INVALID_HUFFMAN) throw encoderStreamError('invalid Huffman coding');
    if (text === TOO_LONG) throw encoderStreamError('entry larger than the table');
    if (this.#meaning === Meaning.nameLength) this.#nameRead(text);
    else this.#insert(this.#name, text);
  }

  #nameRead(name: string): void {
    this.#name = name;
    this.#valueFollows = true;
  }

  #insert(name: string, value: string): void {
    // RFC 9204 §3.2.2
    if (!this.#table.insert(name, value)) throw encoderStreamError('entry larger than the table');
  }
}

/** Set Dynamic Table Capacity (RFC 9204 §4.3.1). */
export const capacityInstruction = (capacity: number): Uint8Array => integerInstruction(0x20, 5, capacity);

/** Duplicate (RFC 9204 §4.3.4). @param relative 0 is the newest entry */
export const duplicateInstruction = (relative: number): Uint8Array => integerInstruction(0, 5, relative);

const integerInstruction = (flags: number, prefixBits: number, value: number): Uint8Array => {
  const out = new Uint8Array(MAX_INTEGER_BYTES);
  return out.subarray(0, writeInteger(out, 0, flags, prefixBits, value));
};

/**
 * Insert with Name Reference or with Literal Name (RFC 9204 §4.3.2, §4.3.3).
 *
 * @param staticName index of the name in the static table, -1 where it has none
 * @param relativeName relative index of an entry of that name, -1 where there is none; a static one goes first
 */
export const insertInstruction = (
  staticName: number,
  relativeName: number,
  name: string,
  value: string,
): Uint8Array => {
  const out = new Uint8Array(2 * MAX_INTEGER_BYTES + name.length + value.length);
  const at =
    staticName >= 0
      ? writeInteger(out, 0, 0xc0, 6, staticName)
      : relativeName >= 0
        ? writeInteger(out, 0, 0x80, 6, relativeName)
        : writeString(out, 0, 0x40, 0x20, name);
  return out.subarray(0, writeString(out, at, 0, 0x80, value));
};
