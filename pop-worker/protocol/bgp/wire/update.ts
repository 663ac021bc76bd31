import { ErrorCode, remoteError, UpdateSubcode } from '../errors.ts';
import { AttributeCode } from './attributes/codes.ts';
import { AttributeFlag, type Malformed, Outcome } from './attributes/definition.ts';
import {
  CUT,
  faultOf,
  NO_AS_PATH,
  NO_IPV4,
  NO_LOCAL_PREF,
  NO_NEXT_HOP,
  NO_ORIGIN,
  PATH_TOO_LONG,
  TWICE,
} from './attributes/faults.ts';
import { hasLinkLocalAlone, isLinkLocalAt, NEXT_HOP_AT } from './attributes/multiprotocol.ts';
import { attributeRow } from './attributes/table.ts';
import { u16At } from './bytes.ts';
import { Family, familyAt, isFlow } from './families.ts';
import { arePrefixes } from './nlri.ts';
import { UpdateFields } from './update-fields.ts';
import type { UpdateRules } from './update-rules.ts';

/**
 * Reads an UPDATE in place: finds fields, attributes and prefixes, checks all of it in one pass and tells what RFC 7606
 * makes of the errors. Reused: `read` overwrites all of it.
 */
export class UpdateReader {
  readonly fields = new UpdateFields();
  /** By code, of attributes that are `kept`: where the value begins and ends, and the flags. */
  readonly valueAt = new Int32Array(256);
  readonly valueEnd = new Int32Array(256);
  readonly flags = new Uint8Array(256);
  /** Bit n of word m: the attribute of code 32 m + n is here, and is not left out. */
  readonly kept = new Int32Array(8);
  readonly #seen = new Int32Array(8);

  /** The strongest of what the errors cost. */
  outcome: Outcome = Outcome.ok;
  /** Why, the first error that costs so much; and the code of its attribute, 0 for none. */
  fault: Malformed | undefined;
  faultCode = 0;
  #faultAt = 0;
  #faultEnd = 0;
  /** What is announced is withdrawn instead. */
  isWithdraw = false;
  /** No route of this family is taken any more, and those that are there go (RFC 4760 §7); 0: none. */
  disabledFamily = 0;

  /** Family of MP_REACH_NLRI, where its next hop (0, 4, 16 or 32 bytes) and its prefixes are; 0 when there is none to heed. */
  reachFamily = 0;
  nextHopAt = 0;
  nextHopBytes = 0;
  reachAt = 0;
  reachEnd = 0;
  /** The same of MP_UNREACH_NLRI. */
  unreachFamily = 0;
  unreachAt = 0;
  unreachEnd = 0;
  /** The family whose End-of-RIB marker this is (RFC 4724 §2); 0: it is none. */
  endOfRib = 0;
  /** There are attributes besides MP_UNREACH_NLRI, or what may be some. */
  #hasOthers = false;
  /** Something is announced that we do not take. */
  #wasLeftOut = false;

  /**
   * @param start of the body, of which at least four bytes are there
   * @returns the outcome, never `sessionReset`
   * @throws BgpError remote, UPDATE Message Error, when it comes to a session reset
   */
  read(buffer: Uint8Array, start: number, end: number, rules: UpdateRules): Outcome {
    const fields = this.fields;
    this.#clear();
    fields.parse(buffer, start, end);
    const hasPathIds = rules.pathIdFamilies.includes(Family.ipv4Unicast);
    if (
      !arePrefixes(buffer, fields.withdrawnAt, fields.withdrawnEnd, 32, hasPathIds) ||
      !arePrefixes(buffer, fields.nlriAt, fields.nlriEnd, 32, hasPathIds)
    ) {
      // RFC 7606 §3 j, §5.3: what cannot be read cannot be withdrawn.
      throw updateError(UpdateSubcode.invalidNetworkField, 'prefixes are malformed');
    }
    if (!rules.families.includes(Family.ipv4Unicast)) this.#leaveOutIpv4();
    this.#readAttributes(buffer, rules);
    this.#findMultiprotocol(buffer);
    if (rules.asBytes === 2 && this.#longestPath() > 0xffff) this.#note(PATH_TOO_LONG, AttributeCode.asPath, 0, 0);
    this.#judge(rules);
    return this.outcome;
  }

  /** Whether an attribute is here, and is not left out. */
  has(code: number): boolean {
    return ((this.kept[code >>> 5] as number) & (1 << (code & 31))) !== 0;
  }

  #clear(): void {
    this.kept.fill(0);
    this.#seen.fill(0);
    this.outcome = Outcome.ok;
    this.fault = undefined;
    this.faultCode = 0;
    this.#faultAt = 0;
    this.#faultEnd = 0;
    this.isWithdraw = false;
    this.disabledFamily = 0;
    this.reachFamily = 0;
    this.nextHopAt = 0;
    this.nextHopBytes = 0;
    this.reachAt = 0;
    this.reachEnd = 0;
    this.unreachFamily = 0;
    this.unreachAt = 0;
    this.unreachEnd = 0;
    this.endOfRib = 0;
    this.#hasOthers = false;
    this.#wasLeftOut = false;
  }

  #leaveOutIpv4(): void {
    const { fields } = this;
    if (fields.withdrawnAt === fields.withdrawnEnd && fields.nlriAt === fields.nlriEnd) return;
    this.#wasLeftOut = fields.nlriAt < fields.nlriEnd;
    fields.withdrawnEnd = fields.withdrawnAt;
    fields.nlriEnd = fields.nlriAt;
    this.#note(NO_IPV4, 0, 0, 0);
  }

  /** Bytes that AS_PATH may have when its numbers have four bytes. */
  #longestPath(): number {
    const lengthOf = (code: number): number =>
      this.has(code) ? (this.valueEnd[code] as number) - (this.valueAt[code] as number) : 0;
    return 2 * lengthOf(AttributeCode.asPath) + lengthOf(AttributeCode.as4Path);
  }

  #readAttributes(buffer: Uint8Array, rules: UpdateRules): void {
    const end = this.fields.attributesEnd;
    let at = this.fields.attributesAt;
    while (at < end) {
      const isExtended = ((buffer[at] as number) & AttributeFlag.extendedLength) !== 0;
      const value = at + (isExtended ? 4 : 3);
      const next = value > end ? end + 1 : value + (isExtended ? u16At(buffer, at + 2) : (buffer[at + 2] as number));
      if (next > end) {
        this.#hasOthers = true;
        this.#note(CUT, 0, at, end);
        return;
      }
      this.#take(buffer, at, value, next, rules);
      at = next;
    }
  }

  /** One attribute, whose value is in [value, end). */
  #take(buffer: Uint8Array, at: number, value: number, end: number, rules: UpdateRules): void {
    const flags = buffer[at] as number;
    const code = buffer[at + 1] as number;
    const word = code >>> 5;
    const bit = 1 << (code & 31);
    const isMultiprotocol = code === AttributeCode.mpReach || code === AttributeCode.mpUnreach;
    if (code !== AttributeCode.mpUnreach) this.#hasOthers = true;
    if (((this.#seen[word] as number) & bit) !== 0) {
      if (isMultiprotocol) throw updateError(UpdateSubcode.malformedAttributeList, `attribute ${code} comes twice`);
      this.#note(TWICE, code, at, end);
      return;
    }
    this.#seen[word] = (this.#seen[word] as number) | bit;
    const row = attributeRow(code);
    if (row === undefined) {
      if (!isPassedOn(buffer, at, end)) return;
    } else {
      const fault = faultOf(row, flags, buffer, value, end, rules);
      if (fault !== undefined) {
        this.#note(fault, code, at, end);
        if (fault.outcome === Outcome.disableFamily) this.#disable(buffer, at, value, end, fault, rules);
        // Which routes are to be withdrawn is still to be read.
        if (!isMultiprotocol || fault.outcome !== Outcome.treatAsWithdraw) return;
      }
    }
    this.kept[word] = (this.kept[word] as number) | bit;
    this.valueAt[code] = value;
    this.valueEnd[code] = end;
    this.flags[code] = flags;
  }

  /** RFC 7606 §2: when it can be told which family, and it is one of ours; a session reset otherwise. */
  #disable(buffer: Uint8Array, at: number, value: number, end: number, fault: Malformed, rules: UpdateRules): void {
    const family = end - value < 3 ? 0 : familyAt(buffer, value);
    if (!rules.families.includes(family)) throw updateError(fault.subcode, fault.reason, buffer.slice(at, end));
    this.disabledFamily = family;
  }

  /** RFC 7606 §3 h: the strongest counts. */
  #note(fault: Malformed, code: number, at: number, end: number): void {
    if (fault.outcome === Outcome.treatAsWithdraw) this.isWithdraw = true;
    if (fault.outcome <= this.outcome) return;
    this.outcome = fault.outcome;
    this.fault = fault;
    this.faultCode = code;
    this.#faultAt = at;
    this.#faultEnd = end;
  }

  #findMultiprotocol(buffer: Uint8Array): void {
    if (this.has(AttributeCode.mpReach)) {
      const value = this.valueAt[AttributeCode.mpReach] as number;
      this.reachFamily = familyAt(buffer, value);
      const at = value + NEXT_HOP_AT;
      const bytes = buffer[value + 3] as number;
      const isAlone = hasLinkLocalAlone(buffer, at, bytes);
      this.nextHopAt = isAlone ? at + 16 : at;
      this.nextHopBytes = isFlow(this.reachFamily) ? 0 : isAlone ? 16 : nextHopLength(buffer, at, bytes);
      // A reserved byte is between them.
      this.reachAt = at + bytes + 1;
      this.reachEnd = this.valueEnd[AttributeCode.mpReach] as number;
    }
    if (this.has(AttributeCode.mpUnreach)) {
      const value = this.valueAt[AttributeCode.mpUnreach] as number;
      this.unreachFamily = familyAt(buffer, value);
      this.unreachAt = value + 3;
      this.unreachEnd = this.valueEnd[AttributeCode.mpUnreach] as number;
    }
  }

  /** What depends on all of the message. */
  #judge(rules: UpdateRules): void {
    const { nlriAt, nlriEnd } = this.fields;
    const hasNlri = nlriAt < nlriEnd;
    if (hasNlri || this.reachAt < this.reachEnd) {
      this.#checkMandatory(hasNlri, rules);
      return;
    }
    if (!this.#hasOthers) {
      this.endOfRib = this.#markedFamily(rules);
      return;
    }
    this.#wasLeftOut ||= this.#hasSeen(AttributeCode.mpReach) && this.reachFamily === 0;
    if (!this.isWithdraw || this.#wasLeftOut) return;
    // RFC 7606 §5.2: nothing is announced, so that prefixes may have been missed.
    const { subcode, reason } = this.fault as Malformed;
    throw updateError(subcode, reason, this.fields.buffer.slice(this.#faultAt, this.#faultEnd));
  }

  #hasSeen(code: number): boolean {
    return ((this.#seen[code >>> 5] as number) & (1 << (code & 31))) !== 0;
  }

  /** RFC 4271 §5, RFC 4760 §3, RFC 7606 §3 d. */
  #checkMandatory(hasNlri: boolean, rules: UpdateRules): void {
    if (!this.has(AttributeCode.origin)) this.#note(NO_ORIGIN, AttributeCode.origin, 0, 0);
    if (!this.has(AttributeCode.asPath)) this.#note(NO_AS_PATH, AttributeCode.asPath, 0, 0);
    if (hasNlri && !this.has(AttributeCode.nextHop)) this.#note(NO_NEXT_HOP, AttributeCode.nextHop, 0, 0);
    if (!rules.isExternal && !this.has(AttributeCode.localPref)) {
      this.#note(NO_LOCAL_PREF, AttributeCode.localPref, 0, 0);
    }
  }

  /** RFC 4724 §2: nothing at all, or MP_UNREACH_NLRI without prefixes alone. */
  #markedFamily({ families }: UpdateRules): number {
    const { withdrawnAt, withdrawnEnd, attributesAt, attributesEnd } = this.fields;
    if (withdrawnAt < withdrawnEnd || this.outcome !== Outcome.ok) return 0;
    if (attributesAt === attributesEnd) return families.includes(Family.ipv4Unicast) ? Family.ipv4Unicast : 0;
    return this.unreachAt === this.unreachEnd ? this.unreachFamily : 0;
  }
}

/** RFC 2545 §3: the second address is the link-local one, or is not heeded. */
const nextHopLength = (buffer: Uint8Array, at: number, bytes: number): number =>
  bytes === 32 && !isLinkLocalAt(buffer, at + 16) ? 16 : bytes;

/** RFC 4271 §5, §9: whether one that we do not know goes to other neighbours, or is dropped. */
const isPassedOn = (buffer: Uint8Array, at: number, end: number): boolean => {
  const flags = buffer[at] as number;
  if ((flags & AttributeFlag.optional) === 0) {
    const reason = `attribute ${buffer[at + 1]} is well-known, but not to us`;
    throw updateError(UpdateSubcode.unrecognizedWellKnown, reason, buffer.slice(at, end));
  }
  return (flags & AttributeFlag.transitive) !== 0;
};

const updateError = (subcode: number, message: string, data?: Uint8Array) =>
  remoteError(ErrorCode.update, subcode, message, data);
