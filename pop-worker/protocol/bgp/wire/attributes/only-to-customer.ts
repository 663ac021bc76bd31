import { AttributeCode } from './codes.ts';
import { OPTIONAL_TRANSITIVE } from './definition.ts';
import { fourByteAttribute } from './fixed.ts';

/** OTC (RFC 9234 §5): an AS number. */
export const onlyToCustomer = fourByteAttribute(
  AttributeCode.onlyToCustomer,
  'ONLY_TO_CUSTOMER',
  OPTIONAL_TRANSITIVE,
  String,
);
