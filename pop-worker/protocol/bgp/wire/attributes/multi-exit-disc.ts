import { AttributeCode } from './codes.ts';
import { OPTIONAL_NON_TRANSITIVE } from './definition.ts';
import { fourByteAttribute } from './fixed.ts';

/** RFC 4271 §5.1.4, RFC 7606 §7.4. */
export const multiExitDisc = fourByteAttribute(
  AttributeCode.multiExitDisc,
  'MULTI_EXIT_DISC',
  OPTIONAL_NON_TRANSITIVE,
  String,
);
