import { decompressionFailed } from './errors.ts';
import { FIELD_OVERHEAD_BYTES, type Field } from './field.ts';
import { decodeHuffman } from './huffman.ts';
import { IntegerReader } from './integer.ts';
import { STATIC_TABLE } from './static-table.ts';

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

/** The section is well-formed so far but more than we take. */
class TooLarge extends Error {}
const TOO_LARGE = new TooLarge();

/** String.fromCharCode takes its bytes as arguments, so long strings go in pieces. */
const PIECE = 4096;

/** A plain array of that length is what engines pass on fastest; a typed array's view costs several times as much. */
const toText = (bytes: Uint8Array, start: number, end: number): string => {
  const length = Math.min(end - start, PIECE);
  const units = new Array<number>(length);
  for (let i = 0; i < length; i++) units[i] = bytes[start + i] as number;
  const text = String.fromCharCode.apply(null, units);
  return end - start > PIECE ? text + toText(bytes, start + PIECE, end) : text;
};

/**
 * Decodes field sections that were encoded without a dynamic table (ours has capacity 0, so a reference into it is the
 * peer's error). Bytes are read in place; one decoder serves all streams of a connection.
 */
export class FieldSectionDecoder {
  readonly #limits: FieldLimits;
  readonly #scratch: Uint8Array;
  readonly #integer = new IntegerReader();
  #buffer: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;
  #sectionBytes = 0;

  constructor(limits: FieldLimits = DEFAULT_FIELD_LIMITS) {
    this.#limits = limits;
    this.#scratch = new Uint8Array(Math.max(limits.nameBytes, limits.valueBytes));
  }

  /**
   * @returns the fields in their order, or undefined when they exceed the limits
   * @throws QpackError QPACK_DECOMPRESSION_FAILED
   */
  decode(buffer: Uint8Array, start: number, end: number): Field[] | undefined {
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
    this.#sectionBytes = 0;
    try {
      return this.#section();
    } catch (error) {
      if (error === TOO_LARGE) return undefined;
      throw error;
    } finally {
      this.#buffer = this.#scratch;
    }
  }

  #section(): Field[] {
    this.#prefix();
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

  /** RFC 9204 §4.5.1. With capacity 0, MaxEntries is 0 and no Required Insert Count but 0 can be produced. */
  #prefix(): void {
    if (this.#readInteger(this.#byte(), 8) !== 0) throw decompressionFailed('required insert count beyond our table');
    const first = this.#byte();
    this.#readInteger(first, 7);
    // RFC 9204 §4.5.1.2: with Sign 1 the Base would be negative.
    if ((first & 0x80) !== 0) throw decompressionFailed('negative base');
  }

  #fieldLine(): Field {
    const first = this.#byte();
    if ((first & 0x80) !== 0) {
      // RFC 9204 §4.5.2: 1T, index
      return this.#staticEntry(first, 0x40, 6);
    }
    if ((first & 0x40) !== 0) {
      // RFC 9204 §4.5.4: 01NT, name index
      const { name } = this.#staticEntry(first, 0x10, 4);
      return this.#field(name, this.#value(), (first & 0x20) !== 0);
    }
    if ((first & 0x20) !== 0) {
      // RFC 9204 §4.5.6: 001NH, name
      const name = this.#readString(first, 0x08, this.#limits.nameBytes);
      return this.#field(name, this.#value(), (first & 0x10) !== 0);
    }
    // RFC 9204 §4.5.3 and §4.5.5: post-base indices point into the dynamic table.
    throw decompressionFailed('reference to the dynamic table');
  }

  #field(name: string, value: string, sensitive: boolean): Field {
    return sensitive ? { name, value, sensitive } : { name, value };
  }

  #value(): string {
    return this.#readString(this.#byte(), 0x80, this.#limits.valueBytes);
  }

  #staticEntry(first: number, staticFlag: number, prefixBits: number): Field {
    const index = this.#readInteger(first, prefixBits);
    if ((first & staticFlag) === 0) throw decompressionFailed('reference to the dynamic table');
    const field = STATIC_TABLE[index];
    // RFC 9204 §3.1: an invalid static table index
    if (field === undefined) throw decompressionFailed(`no entry ${index} in the static table`);
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
    if ((first & huffman) === 0) {
      if (length > limit) throw TOO_LARGE;
      return toText(this.#buffer, start, this.#at);
    }
    const written = decodeHuffman(this.#buffer, start, this.#at, this.#scratch);
    if (written === -1) throw decompressionFailed('invalid Huffman coding');
    if (written === -2 || written > limit) throw TOO_LARGE;
    return toText(this.#scratch, 0, written);
  }
}
