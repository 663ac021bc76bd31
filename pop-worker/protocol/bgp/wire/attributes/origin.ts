import { UpdateSubcode } from '../../errors.ts';
import { AttributeCode } from './codes.ts';
import { type AttributeRow, malformed, Outcome, WELL_KNOWN } from './definition.ts';

const LENGTH = malformed(Outcome.treatAsWithdraw, UpdateSubcode.attributeLength, 'ORIGIN is not one byte');
const VALUE = malformed(Outcome.treatAsWithdraw, UpdateSubcode.invalidOrigin, 'ORIGIN is undefined');

/** Values of ORIGIN, the preferred first (RFC 4271 §4.3 a). */
export const ORIGINS = ['igp', 'egp', 'incomplete'] as const;

/** RFC 4271 §5.1.1, RFC 7606 §7.1. */
export const origin: AttributeRow = {
  code: AttributeCode.origin,
  name: 'ORIGIN',
  flags: WELL_KNOWN,
  wrongFlags: malformed(Outcome.treatAsWithdraw, UpdateSubcode.attributeFlags, 'ORIGIN has wrong flags'),
  check: (buffer, start, end) => {
    if (end - start !== 1) return LENGTH;
    return (buffer[start] as number) < ORIGINS.length ? undefined : VALUE;
  },
  text: (buffer, start) => ORIGINS[buffer[start] as number] ?? '',
};
