import { type DecoderEvents, DecoderStreamReader } from './decoder-stream.ts';
import { entryBytes, maxEntries } from './dynamic-table.ts';
import { capacityInstruction, duplicateInstruction, insertInstruction } from './encoder-stream.ts';
import { EncoderTable } from './encoder-table.ts';
import { EntryPolicy, needsNoEntry } from './entry-policy.ts';
import { decoderStreamError } from './errors.ts';
import type { Field, Fields } from './field.ts';
import { encodeInsertCount } from './insert-count.ts';
import { writeInteger } from './integer.ts';
import { OutstandingSections } from './outstanding-sections.ts';
import { encodeFieldSection, isNeverIndexed, staticNameIndex, writeStaticLine } from './section-encoder.ts';
import { writeString } from './strings.ts';

/** Where instructions go: the encoder stream. */
export interface InstructionOutput {
  send(instruction: Uint8Array): void;
  /** Bytes that are queued there and not yet sent. */
  waiting(): number;
}

export interface EncoderOptions {
  /** Bytes that our entries may take, here and at the peer. */
  readonly tableCapacity: number;
  /** How many streams may at most wait for entries; none does in the first flight. */
  readonly blockedStreams: number;
  readonly output: InstructionOutput;
}

/** Instructions that may wait to be sent: beyond it, what flow control or loss holds up is not added to (RFC 9204 §2.1.3). */
const MAX_WAITING_BYTES = 2048;
/** Sections that may be on their way; a peer that acknowledges none gets literals from there on. */
const MAX_OUTSTANDING = 256;
/**
 * Sections without an acknowledgment of any entry, after which one stream may wait: some decoders acknowledge sections
 * only. As many as the usual limit of streams lets go at once (RFC 9114 §6.1), so that the first flight is over.
 */
const FIRST_FLIGHT = 100;

/** How a field line refers to the dynamic table: not at all, whole, by its name. */
const Reference = { none: 0, field: 1, name: 2 } as const;

/**
 * The encoder of a connection (RFC 9204 §2.1). A field gets an entry when it comes a second time, unless it is secret
 * or too short to pay; it is referred to when the peer has acknowledged the entry, or before that by as many streams as
 * may wait, but for the first flight. Nothing is inserted before `start`, so nothing goes into early data (§3.2.3).
 */
export class QpackEncoder implements DecoderEvents {
  readonly #options: EncoderOptions;
  /** Reads the peer's decoder stream. */
  readonly acknowledgments = new DecoderStreamReader(this);
  readonly #outstanding = new OutstandingSections();
  readonly #policy = new EntryPolicy();
  #table: EncoderTable | undefined;
  #started = false;
  #maxEntries = 0;
  #mayBlock = 0;
  #knownReceived = 0;
  #references = 0;
  /** Sections since there are entries of which the peer has acknowledged none. */
  #unanswered = 0;
  /** Of the section that is being encoded: how each line refers to what, what it needs, what it keeps. */
  #kinds = new Uint8Array(32);
  #indices = new Float64Array(32);
  #stream = 0;
  #required = 0;
  #oldest = Number.POSITIVE_INFINITY;

  constructor(options: EncoderOptions) {
    this.#options = options;
  }

  /** Field lines that were sent as a reference to the dynamic table. */
  get references(): number {
    return this.#references;
  }

  get inserted(): number {
    return this.#table?.inserted ?? 0;
  }

  /** Bytes of all entries. */
  get tableBytes(): number {
    return this.#table?.size ?? 0;
  }

  /**
   * The peer's settings are there.
   *
   * @param capacity SETTINGS_QPACK_MAX_TABLE_CAPACITY
   * @param blockedStreams SETTINGS_QPACK_BLOCKED_STREAMS
   */
  start(capacity: number, blockedStreams: number): void {
    this.#started = true;
    // RFC 9204 §4.5.1.1: of what the decoder allows, not of what we use.
    this.#maxEntries = maxEntries(capacity);
    this.#mayBlock = Math.min(blockedStreams, this.#options.blockedStreams);
    const used = Math.min(capacity, this.#options.tableCapacity);
    // RFC 9204 §3.2.3: nothing at all on the encoder stream while nothing can be inserted.
    if (maxEntries(used) > 0) this.#table = new EncoderTable(used);
  }

  /**
   * Encodes a section that is about to be sent on that stream.
   *
   * @param out at least `fieldSectionBound(fields)` bytes from `at` on
   * @returns the offset behind the section
   */
  encode(stream: number, fields: Fields, out: Uint8Array, at: number): number {
    const table = this.#table;
    if (table === undefined || this.#outstanding.size >= MAX_OUTSTANDING) {
      if (!this.#started) for (const field of fields) this.#policy.remember(field);
      return encodeFieldSection(fields, out, at);
    }
    if (table.inserted > 0 && this.#knownReceived === 0) this.#unanswered++;
    this.#stream = stream;
    this.#required = 0;
    this.#oldest = Number.POSITIVE_INFINITY;
    if (fields.length > this.#kinds.length) {
      this.#kinds = new Uint8Array(fields.length);
      this.#indices = new Float64Array(fields.length);
    }
    for (let i = 0; i < fields.length; i++) this.#kinds[i] = this.#plan(table, fields[i] as Field, i);
    if (this.#required === 0) return encodeFieldSection(fields, out, at);
    this.#outstanding.add(stream, this.#required, this.#oldest);
    return this.#write(fields, out, at);
  }

  sectionAcknowledged(stream: number): void {
    const required = this.#outstanding.acknowledge(stream);
    // RFC 9204 §4.4.1
    if (required < 0) throw decoderStreamError('acknowledgment of a section without dynamic references');
    this.#knownReceived = Math.max(this.#knownReceived, required);
  }

  streamCancelled(stream: number): void {
    this.#outstanding.cancel(stream);
  }

  insertsReceived(increment: number): void {
    // RFC 9204 §4.4.3
    if (increment === 0) throw decoderStreamError('increment of 0');
    if (this.#knownReceived + increment > this.inserted) throw decoderStreamError('increment beyond what was inserted');
    this.#knownReceived += increment;
  }

  #plan(table: EncoderTable, field: Field, line: number): number {
    if (needsNoEntry(field)) return Reference.none;
    const { name } = field;
    const index = this.#entryFor(table, field);
    if (index >= 0 && this.#refer(index, line)) return Reference.field;
    // A name in the static table costs nothing that could be held up.
    if (staticNameIndex(name) >= 0) return Reference.none;
    const named = table.findName(name);
    return named >= 0 && !table.isDraining(named) && this.#refer(named, line) ? Reference.name : Reference.none;
  }

  /** @returns the absolute index of an entry that may be referred to, -1 when there is none */
  #entryFor(table: EncoderTable, field: Field): number {
    const index = table.find(field.name, field.value);
    if (index >= 0) return table.isDraining(index) ? this.#duplicate(table, index, field) : index;
    return this.#policy.isWorthAnEntry(field, table.capacity) ? this.#insert(table, field) : -1;
  }

  /** RFC 9204 §2.1.1: entries may go when the peer has them and nothing on its way refers to them. */
  #hasRoom(table: EncoderTable, bytes: number): boolean {
    if (this.#options.output.waiting() > MAX_WAITING_BYTES) return false;
    return table.hasRoom(bytes, Math.min(this.#knownReceived, this.#oldest, this.#outstanding.oldest));
  }

  #insert(table: EncoderTable, { name, value }: Field): number {
    if (!this.#hasRoom(table, entryBytes(name, value))) return -1;
    if (table.inserted === 0) this.#options.output.send(capacityInstruction(table.capacity));
    const named = table.findName(name);
    const relative = named < 0 ? -1 : table.inserted - 1 - named;
    this.#options.output.send(insertInstruction(staticNameIndex(name), relative, name, value));
    return table.insert(name, value);
  }

  /** RFC 9204 §2.1.1.1: instead of a reference to an entry that is about to go. */
  #duplicate(table: EncoderTable, index: number, { name, value }: Field): number {
    if (!this.#hasRoom(table, entryBytes(name, value))) return -1;
    this.#options.output.send(duplicateInstruction(table.inserted - 1 - index));
    return table.insert(name, value);
  }

  /** Notes a reference. @returns false when the stream might have to wait for it and must not */
  #refer(index: number, line: number): boolean {
    if (index >= this.#knownReceived && index >= this.#required && !this.#mayWait()) return false;
    this.#indices[line] = index;
    this.#required = Math.max(this.#required, index + 1);
    this.#oldest = Math.min(this.#oldest, index);
    return true;
  }

  #mayWait(): boolean {
    // RFC 9204 §2.1.2
    const first = this.#knownReceived === 0;
    if (first && this.#unanswered <= FIRST_FLIGHT) return false;
    const limit = first ? Math.min(1, this.#mayBlock) : this.#mayBlock;
    return this.#outstanding.mayBlock(this.#stream, this.#knownReceived, limit);
  }

  /** With the Base at the Required Insert Count, so that no reference is post-base (RFC 9204 §4.5.1.2). */
  #write(fields: Fields, out: Uint8Array, at: number): number {
    let to = writeInteger(out, at, 0, 8, encodeInsertCount(this.#required, this.#maxEntries));
    out[to++] = 0;
    for (let i = 0; i < fields.length; i++) {
      const field = fields[i] as Field;
      const kind = this.#kinds[i];
      const relative = this.#required - 1 - (this.#indices[i] as number);
      if (kind === Reference.none) to = writeStaticLine(out, to, field, isNeverIndexed(field));
      else {
        this.#references++;
        // RFC 9204 §4.5.2: 10, index; §4.5.4: 0100, index of the name, and the value
        if (kind === Reference.field) to = writeInteger(out, to, 0x80, 6, relative);
        else to = writeString(out, writeInteger(out, to, 0x40, 4, relative), 0, 0x80, field.value);
      }
    }
    return to;
  }
}
