import { UpdateSubcode } from '../../errors.ts';
import { u16At } from '../bytes.ts';
import { addressBits, Family, familyAt, familyName, isFlow } from '../families.ts';
import { areFlowSpecs, areFramed } from '../flowspec/nlri.ts';
import { arePrefixes } from '../nlri.ts';
import type { UpdateRules } from '../update-rules.ts';
import { AttributeCode } from './codes.ts';
import { type AttributeRow, type Malformed, malformed, OPTIONAL_NON_TRANSITIVE, Outcome } from './definition.ts';
import { checkHost } from './next-hop.ts';

const disable = (reason: string, subcode: number = UpdateSubcode.optionalAttribute) =>
  malformed(Outcome.disableFamily, subcode, reason);

const REACH_LENGTH = disable('MP_REACH_NLRI is cut');
const UNREACH_LENGTH = disable('MP_UNREACH_NLRI is cut');
const NEXT_HOP = disable('next hop in MP_REACH_NLRI is not of a length of its family');
const PREFIXES = disable('prefixes of MP_REACH_NLRI or MP_UNREACH_NLRI are malformed');
const FLOW = malformed(Outcome.treatAsWithdraw, UpdateSubcode.optionalAttribute, 'a flow specification is malformed');
const FAMILY = malformed(Outcome.discardAttribute, UpdateSubcode.optionalAttribute, 'family was not negotiated');

/** AFI, SAFI, next hop length and the reserved byte: the least that there is (RFC 7606 §5.3). */
const REACH_BYTES = 5;
const UNREACH_BYTES = 3;

/** In the value of MP_REACH_NLRI: where the next hop begins. */
export const NEXT_HOP_AT = 4;

/** RFC 4760 §3, RFC 7606 §5.3, §7.11. */
export const mpReach: AttributeRow = {
  code: AttributeCode.mpReach,
  name: 'MP_REACH_NLRI',
  flags: OPTIONAL_NON_TRANSITIVE,
  wrongFlags: disable('MP_REACH_NLRI has wrong flags', UpdateSubcode.attributeFlags),
  check: (buffer, start, end, rules) => {
    if (end - start < REACH_BYTES) return REACH_LENGTH;
    const family = familyAt(buffer, start);
    if (!rules.families.includes(family)) return FAMILY;
    const bytes = buffer[start + 3] as number;
    const nlri = start + REACH_BYTES + bytes;
    if (nlri > end || !isNextHopLength(family, bytes, rules)) return NEXT_HOP;
    const nlriFault = checkNlri(buffer, nlri, end, family, rules);
    if (nlriFault !== undefined || isFlow(family)) return nlriFault;
    const hop = start + NEXT_HOP_AT;
    return hasLinkLocalAlone(buffer, hop, bytes) ? undefined : checkHost(buffer, hop, Math.min(bytes, 16));
  },
  text: (buffer, start) => familyName(familyAt(buffer, start)),
};

/** fe80::/10. */
export const isLinkLocalAt = (buffer: Uint8Array, at: number): boolean => (u16At(buffer, at) & 0xffc0) === 0xfe80;

/**
 * RFC 2545 §3 wants a global address first. BIRD has none where the addresses of a session are link-local, and sends the
 * unspecified address in its place.
 *
 * @param bytes of the next hop at `at`
 */
export const hasLinkLocalAlone = (buffer: Uint8Array, at: number, bytes: number): boolean =>
  bytes === 32 && isLinkLocalAt(buffer, at + 16) && buffer.subarray(at, at + 16).every((byte) => byte === 0);

/** RFC 4760 §4, RFC 7606 §5.3. */
export const mpUnreach: AttributeRow = {
  code: AttributeCode.mpUnreach,
  name: 'MP_UNREACH_NLRI',
  flags: OPTIONAL_NON_TRANSITIVE,
  wrongFlags: disable('MP_UNREACH_NLRI has wrong flags', UpdateSubcode.attributeFlags),
  check: (buffer, start, end, rules) => {
    if (end - start < UNREACH_BYTES) return UNREACH_LENGTH;
    const family = familyAt(buffer, start);
    if (!rules.families.includes(family)) return FAMILY;
    return checkNlri(buffer, start + UNREACH_BYTES, end, family, rules);
  },
  text: (buffer, start) => familyName(familyAt(buffer, start)),
};

/** One or two addresses of IPv6 (RFC 2545 §3), one of IPv4; flow specifications have none, or one to ignore (RFC 8955 §4). */
const isNextHopLength = (family: number, bytes: number, rules: UpdateRules): boolean => {
  if (isFlow(family)) return true;
  if (family === Family.ipv4Unicast && bytes === 4) return true;
  const isIpv6 = bytes === 16 || bytes === 32;
  return isIpv6 && (family === Family.ipv6Unicast || rules.ipv6NextHopFamilies.includes(family));
};

const checkNlri = (
  buffer: Uint8Array,
  start: number,
  end: number,
  family: number,
  rules: UpdateRules,
): Malformed | undefined => {
  const hasPathIds = rules.pathIdFamilies.includes(family);
  const bits = addressBits(family);
  if (!isFlow(family)) return arePrefixes(buffer, start, end, bits, hasPathIds) ? undefined : PREFIXES;
  if (!areFramed(buffer, start, end, hasPathIds)) return PREFIXES;
  return areFlowSpecs(buffer, start, end, bits, hasPathIds) ? undefined : FLOW;
};
