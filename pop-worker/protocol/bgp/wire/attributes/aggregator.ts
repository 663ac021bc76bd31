import { UpdateSubcode } from '../../errors.ts';
import { u16At, u32At } from '../bytes.ts';
import { AttributeCode } from './codes.ts';
import { type AttributeRow, malformed, OPTIONAL_TRANSITIVE, Outcome } from './definition.ts';
import { identifierText } from './fixed.ts';

const discard = (subcode: number, reason: string) => malformed(Outcome.discardAttribute, subcode, reason);

const LENGTH = discard(UpdateSubcode.attributeLength, 'AGGREGATOR is not of its length');
const LENGTH4 = discard(UpdateSubcode.optionalAttribute, 'AS4_AGGREGATOR is not eight bytes');
// RFC 7607 §2.
const ZERO = discard(UpdateSubcode.optionalAttribute, 'AGGREGATOR is of AS 0');

const text = (buffer: Uint8Array, start: number): string =>
  `${u32At(buffer, start)} ${identifierText(u32At(buffer, start + 4))}`;

/** RFC 4271 §5.1.7, RFC 7606 §3 f, §7.7. In the canonical form its AS has four bytes. */
export const aggregator: AttributeRow = {
  code: AttributeCode.aggregator,
  name: 'AGGREGATOR',
  flags: OPTIONAL_TRANSITIVE,
  wrongFlags: discard(UpdateSubcode.attributeFlags, 'AGGREGATOR has wrong flags'),
  check: (buffer, start, end, { asBytes }) => {
    if (end - start !== asBytes + 4) return LENGTH;
    return (asBytes === 4 ? u32At(buffer, start) : u16At(buffer, start)) === 0 ? ZERO : undefined;
  },
  text,
};

/** RFC 6793 §6. */
export const as4Aggregator: AttributeRow = {
  code: AttributeCode.as4Aggregator,
  name: 'AS4_AGGREGATOR',
  flags: OPTIONAL_TRANSITIVE,
  wrongFlags: discard(UpdateSubcode.attributeFlags, 'AS4_AGGREGATOR has wrong flags'),
  check: (buffer, start, end) => {
    if (end - start !== 8) return LENGTH4;
    return u32At(buffer, start) === 0 ? ZERO : undefined;
  },
  text,
};
