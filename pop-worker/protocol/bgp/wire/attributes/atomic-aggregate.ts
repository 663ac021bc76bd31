import { UpdateSubcode } from '../../errors.ts';
import { AttributeCode } from './codes.ts';
import { type AttributeRow, malformed, Outcome, WELL_KNOWN } from './definition.ts';

const LENGTH = malformed(Outcome.discardAttribute, UpdateSubcode.attributeLength, 'ATOMIC_AGGREGATE is not empty');

/** RFC 4271 §5.1.6, RFC 7606 §3 f, §7.6. */
export const atomicAggregate: AttributeRow = {
  code: AttributeCode.atomicAggregate,
  name: 'ATOMIC_AGGREGATE',
  flags: WELL_KNOWN,
  wrongFlags: malformed(Outcome.discardAttribute, UpdateSubcode.attributeFlags, 'ATOMIC_AGGREGATE has wrong flags'),
  check: (_buffer, start, end) => (start === end ? undefined : LENGTH),
  text: () => 'yes',
};
