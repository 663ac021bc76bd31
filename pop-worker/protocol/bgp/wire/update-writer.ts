import { MAX_CANONICAL_BYTES, writeHead } from './attributes/canonical.ts';
import { AttributeCode } from './attributes/codes.ts';
import { AttributeFlag } from './attributes/definition.ts';
import { MAX_NARROWED_GROWTH, narrowAttributes } from './attributes/narrow.ts';
import { copyBytes, writeU16, writeU32 } from './bytes.ts';
import { Family, writeFamily } from './families.ts';
import { flowSpecBytes, writeFlowSpec } from './flowspec/codec.ts';
import { HEADER_BYTES, MessageType, writeHeader } from './header.ts';
import { prefixBytes, writePrefix } from './nlri.ts';

/** What of a session decides how its UPDATEs are written. */
export interface WriteRules {
  /** Of AS numbers: 4 when both sides have the capability of RFC 6793. */
  readonly asBytes: 2 | 4;
  /** Families in which prefixes go with path identifiers (RFC 7911 §5). */
  readonly pathIdFamilies: readonly number[];
}

/** Flags, code and a length of two bytes. */
const LONG_HEAD = 4;

/**
 * Writes UPDATEs that are as full as they may be: `announce` or `withdraw` begins one, `add` puts prefixes in until it says
 * that there is no room, `finish` ends it. One at a time. MP_REACH_NLRI and MP_UNREACH_NLRI come first (RFC 7606 §5.1), and
 * each message announces or withdraws, of one family.
 */
export class UpdateWriter {
  #buffer: Uint8Array = NOTHING;
  #at = 0;
  #next = 0;
  /** Prefixes begin here, and end before. */
  #nlriAt = 0;
  #limit = 0;
  /** Where the field of prefixes has its length; it is that of an attribute, or of withdrawn routes. */
  #lengthAt = 0;
  #family = 0;
  #hasPathIds = false;
  #isMultiprotocol = false;
  #isWithdrawal = false;
  /** Attributes that go behind the prefixes. */
  #attributes: Uint8Array = NOTHING;
  #attributesAt = 0;
  #attributesEnd = 0;
  readonly #narrowed = new Uint8Array(MAX_CANONICAL_BYTES + MAX_NARROWED_GROWTH);

  /**
   * Begins an announcement.
   *
   * @param end of the room for the message: 4,096 bytes from `at`, or 65,535 (RFC 8654 §4)
   * @param attributes canonical ones in [start, attributesEnd), that the neighbour may have
   * @param nextHop 4, 16 or 32 bytes; none for flow specifications
   * @returns whether a prefix of any length fits; if not, these attributes cannot be sent (RFC 4271 §9.2)
   */
  announce(
    buffer: Uint8Array,
    at: number,
    end: number,
    family: number,
    attributes: Uint8Array,
    attributesAt: number,
    attributesEnd: number,
    nextHop: Uint8Array,
    rules: WriteRules,
  ): boolean {
    this.#begin(buffer, at, family, rules, false);
    this.#takeAttributes(attributes, attributesAt, attributesEnd, rules.asBytes);
    const bytes = this.#attributesEnd - this.#attributesAt;
    const body = writeU16(buffer, at + HEADER_BYTES, 0);
    this.#isMultiprotocol = family !== Family.ipv4Unicast || nextHop.length !== 4;
    const most = this.#isMultiprotocol ? LONG_HEAD + 5 + nextHop.length + bytes : bytes + 7;
    if (end - body - 2 - most < this.#longestPrefix()) return false;
    this.#limit = this.#isMultiprotocol ? end - bytes : end;
    this.#nlriAt = this.#isMultiprotocol ? this.#reachHead(body, nextHop) : this.#writeAttributes(body, nextHop);
    this.#next = this.#nlriAt;
    return true;
  }

  /** Begins a withdrawal, for which there is room. @param end as in `announce` */
  withdraw(buffer: Uint8Array, at: number, end: number, family: number, rules: WriteRules): void {
    this.#begin(buffer, at, family, rules, true);
    this.#isMultiprotocol = family !== Family.ipv4Unicast;
    const body = at + HEADER_BYTES;
    this.#attributesAt = 0;
    this.#attributesEnd = 0;
    if (!this.#isMultiprotocol) {
      this.#lengthAt = body;
      this.#nlriAt = body + 2;
      this.#limit = end - 2;
    } else {
      writeU16(buffer, body, 0);
      this.#nlriAt = writeFamily(buffer, this.#longHead(body + 4, AttributeCode.mpUnreach), family);
      this.#limit = end;
    }
    this.#next = this.#nlriAt;
  }

  /** @param address words, of which bits past the length are zero @returns false when there is no room for it */
  add(address: Uint32Array, length: number, pathId: number): boolean {
    if (this.#next + prefixBytes(length, this.#hasPathIds) > this.#limit) return false;
    this.#next = writePrefix(this.#buffer, this.#next, address, length, this.#hasPathIds, pathId);
    return true;
  }

  /** @param components of a flow specification @returns false when there is no room for it */
  addFlowSpec(components: Uint8Array, pathId: number): boolean {
    const bytes = flowSpecBytes(components.length) + (this.#hasPathIds ? 4 : 0);
    if (this.#next + bytes > this.#limit) return false;
    if (this.#hasPathIds) this.#next = writeU32(this.#buffer, this.#next, pathId);
    this.#next = writeFlowSpec(this.#buffer, this.#next, components);
    return true;
  }

  /** Ends the message. @returns the offset behind it; where it began when it has no prefix: that would mark End-of-RIB */
  finish(): number {
    if (this.#next === this.#nlriAt) return this.#at;
    const buffer = this.#buffer;
    const body = this.#at + HEADER_BYTES;
    let end = this.#next;
    if (this.#isMultiprotocol) {
      writeU16(buffer, this.#lengthAt, end - this.#lengthAt - 2);
      end = copyBytes(this.#attributes, this.#attributesAt, this.#attributesEnd, buffer, end);
      writeU16(buffer, body + 2, end - body - 4);
    } else if (this.#isWithdrawal) {
      writeU16(buffer, body, end - body - 2);
      end = writeU16(buffer, end, 0);
    }
    return writeHeader(buffer, this.#at, end, MessageType.update);
  }

  #begin(buffer: Uint8Array, at: number, family: number, rules: WriteRules, isWithdrawal: boolean): void {
    this.#buffer = buffer;
    this.#at = at;
    this.#family = family;
    this.#hasPathIds = rules.pathIdFamilies.includes(family);
    this.#isWithdrawal = isWithdrawal;
  }

  #takeAttributes(attributes: Uint8Array, start: number, end: number, asBytes: 2 | 4): void {
    this.#attributes = asBytes === 4 ? attributes : this.#narrowed;
    this.#attributesAt = asBytes === 4 ? start : 0;
    this.#attributesEnd = asBytes === 4 ? end : narrowAttributes(attributes, start, end, this.#narrowed, 0);
  }

  /** Bytes of the longest prefix that there is. */
  #longestPrefix(): number {
    return prefixBytes(this.#family >>> 8 === 1 ? 32 : 128, this.#hasPathIds);
  }

  /** MP_REACH_NLRI up to its prefixes (RFC 4760 §3). @param body where the length of all attributes goes */
  #reachHead(body: number, nextHop: Uint8Array): number {
    const buffer = this.#buffer;
    let next = writeFamily(buffer, this.#longHead(body + 2, AttributeCode.mpReach), this.#family);
    buffer[next++] = nextHop.length;
    next = copyBytes(nextHop, 0, nextHop.length, buffer, next);
    buffer[next++] = 0;
    return next;
  }

  /** Its length is known afterwards. @returns where the value begins */
  #longHead(at: number, code: number): number {
    this.#buffer[at] = AttributeFlag.optional | AttributeFlag.extendedLength;
    this.#buffer[at + 1] = code;
    this.#lengthAt = at + 2;
    return at + LONG_HEAD;
  }

  /** All attributes, NEXT_HOP in its place, and their length before them. @returns where prefixes begin */
  #writeAttributes(body: number, nextHop: Uint8Array): number {
    const buffer = this.#buffer;
    const attributes = this.#attributes;
    const split = this.#behindPath();
    let next = copyBytes(attributes, this.#attributesAt, split, buffer, body + 2);
    next = writeHead(buffer, next, AttributeFlag.transitive, AttributeCode.nextHop, 4);
    next = copyBytes(nextHop, 0, 4, buffer, next);
    next = copyBytes(attributes, split, this.#attributesEnd, buffer, next);
    writeU16(buffer, body, next - body - 2);
    return next;
  }

  /** Where the first attribute is that comes after NEXT_HOP (RFC 4271 §5: in ascending order). */
  #behindPath(): number {
    const attributes = this.#attributes;
    let at = this.#attributesAt;
    while (at < this.#attributesEnd && (attributes[at + 1] as number) < AttributeCode.nextHop) {
      const isExtended = ((attributes[at] as number) & AttributeFlag.extendedLength) !== 0;
      at += isExtended
        ? 4 + ((attributes[at + 2] as number) << 8) + (attributes[at + 3] as number)
        : 3 + (attributes[at + 2] as number);
    }
    return at;
  }
}

/** The End-of-RIB marker of a family (RFC 4724 §2). @returns the offset behind it */
export const writeEndOfRib = (buffer: Uint8Array, at: number, family: number): number => {
  const body = writeU16(buffer, at + HEADER_BYTES, 0);
  if (family === Family.ipv4Unicast) return writeHeader(buffer, at, writeU16(buffer, body, 0), MessageType.update);
  const value = writeHead(buffer, writeU16(buffer, body, 6), AttributeFlag.optional, AttributeCode.mpUnreach, 3);
  return writeHeader(buffer, at, writeFamily(buffer, value, family), MessageType.update);
};

const NOTHING = new Uint8Array(0);
