import { AttributeCode } from './codes.ts';
import { type AttributeRow, OPTIONAL_NON_TRANSITIVE } from './definition.ts';
import { fourByteAttribute, identifierText } from './fixed.ts';

/** RFC 4456 §8, RFC 7606 §7.9. */
export const originatorId: AttributeRow = {
  ...fourByteAttribute(AttributeCode.originatorId, 'ORIGINATOR_ID', OPTIONAL_NON_TRANSITIVE, identifierText),
  isInternal: true,
};
