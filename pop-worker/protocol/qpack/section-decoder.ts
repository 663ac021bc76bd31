import { DynamicTable, maxEntries } from './dynamic-table.ts';
import { decompressionFailed } from './errors.ts';
import { FIELD_OVERHEAD_BYTES, type Field } from './field.ts';
import { decodeInsertCount } from './insert-count.ts';
import { IntegerReader } from './integer.ts';
import { STATIC_TABLE } from './static-table.ts';
import { INVALID_HUFFMAN, readString, TOO_LONG } from './strings.ts';

/** What a decoder takes at most; beyond it a section is refused, not the connection (RFC 9114 §4.2.2). */
export interface FieldLimits {
  /** As SETTINGS_MAX_FIELD_SECTION_SIZE counts: names, values and 32 bytes for each field. */
  readonly sectionBytes: number;
  readonly fields: number;
  readonly nameBytes: number;
  readonly valueBytes: number;
}

export const DEFAULT_FIELD_LIMITS: FieldLimits = {
  sectionBytes: 16_384,
  fields: 128,
  nameBytes: 256,
  valueBytes: 8192,
};

/** The section needs entries that have not arrived (RFC 9204 §2.2.1). */
export const BLOCKED = 'blocked';

/** The section is well-formed so far but more than we take. */
class TooLarge extends Error {}
const TOO_LARGE = new TooLarge();

/** Decodes field sections (RFC 9204 §4.5). Bytes are read in place; one serves all streams of a connection. */
export class FieldSectionDecoder {
  readonly #limits: FieldLimits;
  readonly #table: DynamicTable;
  readonly #scratch: Uint8Array;
  readonly #integer = new IntegerReader();
  #buffer: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #sectionBytes = 0;
  #required = 0;
  #base = 0;
  #references = 0;

  /** @param table by default one that never has an entry */
  constructor(limits: FieldLimits = DEFAULT_FIELD_LIMITS, table: DynamicTable = new DynamicTable(0)) {
    this.#limits = limits;
    this.#table = table;
    this.#scratch = new Uint8Array(Math.max(limits.nameBytes, limits.valueBytes));
  }

  /** The Required Insert Count of the section that was decoded last, or that is blocked. */
  get required(): number {
    return this.#required;
  }

  /** References to the dynamic table in all sections. */
  get references(): number {
    return this.#references;
  }

  /**
   * @returns the fields in their order, undefined when they exceed the limits, BLOCKED when entries are missing
   * @throws QpackError QPACK_DECOMPRESSION_FAILED
   */
  decode(buffer: Uint8Array, start: number, end: number): Field[] | typeof BLOCKED | undefined {
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
    this.#sectionBytes = 0;
    try {
      this.#prefix();
      return this.#required > this.#table.inserted ? BLOCKED : this.#fieldLines();
    } catch (error) {
      if (error === TOO_LARGE) return undefined;
      throw error;
    } finally {
      this.#buffer = this.#scratch;
    }
  }

  #fieldLines(): Field[] {
    const fields: Field[] = [];
    while (this.#at < this.#end) {
      if (fields.length === this.#limits.fields) throw TOO_LARGE;
      const field = this.#fieldLine();
      this.#sectionBytes += field.name.length + field.value.length + FIELD_OVERHEAD_BYTES;
      if (this.#sectionBytes > this.#limits.sectionBytes) throw TOO_LARGE;
      fields.push(field);
    }
    return fields;
  }

  /** RFC 9204 §4.5.1. */
  #prefix(): void {
    const encoded = this.#readInteger(this.#byte(), 8);
    this.#required = decodeInsertCount(encoded, maxEntries(this.#table.maxCapacity), this.#table.inserted);
    if (this.#required < 0) throw decompressionFailed('required insert count beyond our table');
    const first = this.#byte();
    const delta = this.#readInteger(first, 7);
    this.#base = (first & 0x80) === 0 ? this.#required + delta : this.#required - delta - 1;
    // RFC 9204 §4.5.1.2
    if (this.#base < 0) throw decompressionFailed('negative base');
  }

  #fieldLine(): Field {
    const first = this.#byte();
    if ((first & 0x80) !== 0) {
      // RFC 9204 §4.5.2: 1T, index
      return this.#whole(this.#entry(first, 0x40, 6));
    }
    if ((first & 0x40) !== 0) {
      // RFC 9204 §4.5.4: 01NT, name index
      const { name } = this.#entry(first, 0x10, 4);
      return this.#field(name, this.#value(), (first & 0x20) !== 0);
    }
    if ((first & 0x20) !== 0) {
      // RFC 9204 §4.5.6: 001NH, name
      const name = this.#readString(first, 0x08, this.#limits.nameBytes);
      return this.#field(name, this.#value(), (first & 0x10) !== 0);
    }
    // RFC 9204 §4.5.3: 0001, post-base index
    if ((first & 0x10) !== 0) return this.#whole(this.#dynamicEntry(this.#base + this.#readInteger(first, 4)));
    // RFC 9204 §4.5.5: 0000N, post-base name index
    const { name } = this.#dynamicEntry(this.#base + this.#readInteger(first, 3));
    return this.#field(name, this.#value(), (first & 0x08) !== 0);
  }

  #field(name: string, value: string, sensitive: boolean): Field {
    if (name.length > this.#limits.nameBytes) throw TOO_LARGE;
    return sensitive ? { name, value, sensitive } : { name, value };
  }

  /** A field that the peer sent once for all. */
  #whole(field: Field): Field {
    if (field.name.length > this.#limits.nameBytes || field.value.length > this.#limits.valueBytes) throw TOO_LARGE;
    return field;
  }

  #value(): string {
    return this.#readString(this.#byte(), 0x80, this.#limits.valueBytes);
  }

  #entry(first: number, staticFlag: number, prefixBits: number): Field {
    const index = this.#readInteger(first, prefixBits);
    // RFC 9204 §3.2.5
    if ((first & staticFlag) === 0) return this.#dynamicEntry(this.#base - 1 - index);
    const field = STATIC_TABLE[index];
    // RFC 9204 §3.1: an invalid static table index
    if (field === undefined) throw decompressionFailed(`no entry ${index} in the static table`);
    return field;
  }

  /** RFC 9204 §2.2.3: what was evicted, and what the section did not say it needs, must not be referred to. */
  #dynamicEntry(index: number): Field {
    const field = index < this.#required ? this.#table.get(index) : undefined;
    if (field === undefined) throw decompressionFailed('reference to an entry that is not in the dynamic table');
    this.#references++;
    return field;
  }

  #byte(): number {
    if (this.#at >= this.#end) throw decompressionFailed('truncated field section');
    return this.#buffer[this.#at++] as number;
  }

  #readInteger(first: number, prefixBits: number): number {
    const integer = this.#integer;
    if (integer.begin(first, prefixBits)) return integer.value;
    for (;;) {
      const state = integer.push(this.#byte());
      if (state === 1) return integer.value;
      if (state === -1) throw decompressionFailed('integer too large');
    }
  }

  /** RFC 9204 §4.1.2. @param huffman the H flag; the length's prefix is what lies below it */
  #readString(first: number, huffman: number, limit: number): string {
    const length = this.#readInteger(first, 31 - Math.clz32(huffman));
    const start = this.#at;
    if (length > this.#end - start) throw decompressionFailed('string longer than its section');
    this.#at = start + length;
    const text = readString(this.#buffer, start, this.#at, (first & huffman) !== 0, limit, this.#scratch);
    if (text === INVALID_HUFFMAN) throw decompressionFailed('invalid Huffman coding');
    if (text === TOO_LONG) throw TOO_LARGE;
    return text;
  }
}
