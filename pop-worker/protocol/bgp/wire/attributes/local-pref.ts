import { AttributeCode } from './codes.ts';
import { type AttributeRow, WELL_KNOWN } from './definition.ts';
import { fourByteAttribute } from './fixed.ts';

/** RFC 4271 §5.1.5, RFC 7606 §7.5. */
export const localPref: AttributeRow = {
  ...fourByteAttribute(AttributeCode.localPref, 'LOCAL_PREF', WELL_KNOWN, String),
  isInternal: true,
};
