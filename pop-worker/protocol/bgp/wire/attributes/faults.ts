import { UpdateSubcode } from '../../errors.ts';
import type { UpdateRules } from '../update-rules.ts';
import { AttributeCode } from './codes.ts';
import { AttributeFlag, type AttributeRow, type Malformed, malformed, Outcome } from './definition.ts';

const withdraw = (subcode: number, reason: string) => malformed(Outcome.treatAsWithdraw, subcode, reason);
const discard = (subcode: number, reason: string) => malformed(Outcome.discardAttribute, subcode, reason);
const missing = (name: string) => withdraw(UpdateSubcode.missingWellKnown, `${name} is missing`);

/** RFC 7606 §4. */
export const CUT = withdraw(UpdateSubcode.malformedAttributeList, 'an attribute is cut');
/** Of an old neighbour; possible in extended messages only. */
export const PATH_TOO_LONG = withdraw(UpdateSubcode.malformedAsPath, 'AS_PATH of four-byte numbers has no length');
/** What of IPv4 unicast is in fields of its own, when that was not agreed on. */
export const NO_IPV4 = discard(UpdateSubcode.optionalAttribute, 'IPv4 unicast was not negotiated');
/** RFC 7606 §3 g. */
export const TWICE = discard(UpdateSubcode.malformedAttributeList, 'an attribute comes twice');
/** RFC 7606 §3 d. */
export const NO_ORIGIN = missing('ORIGIN');
export const NO_AS_PATH = missing('AS_PATH');
export const NO_NEXT_HOP = missing('NEXT_HOP');
export const NO_LOCAL_PREF = missing('LOCAL_PREF');

/** RFC 7606 §7.5, §7.9, §7.10. */
const EXTERNAL = discard(
  UpdateSubcode.optionalAttribute,
  'an attribute of internal neighbours comes from an external one',
);
/** RFC 6793 §6. */
const AS4 = discard(
  UpdateSubcode.optionalAttribute,
  'AS4_PATH or AS4_AGGREGATOR comes from a neighbour that knows four-octet AS numbers',
);

const KIND = AttributeFlag.optional | AttributeFlag.transitive;

/** What is wrong with a received attribute that we know, flags first. */
export const faultOf = (
  row: AttributeRow,
  flags: number,
  buffer: Uint8Array,
  start: number,
  end: number,
  rules: UpdateRules,
): Malformed | undefined => {
  if (row.isInternal === true && rules.isExternal) return EXTERNAL;
  if (rules.asBytes === 4 && (row.code === AttributeCode.as4Path || row.code === AttributeCode.as4Aggregator))
    return AS4;
  return (flags & KIND) === row.flags ? row.check(buffer, start, end, rules) : row.wrongFlags;
};
