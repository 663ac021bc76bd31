import { u32At } from '../bytes.ts';
import { type CapabilityRow, u32Bytes } from './definition.ts';

/** RFC 6793 §3. */
export const fourOctetAs: CapabilityRow = {
  code: 65,
  name: 'four-octet-as',
  read: (value, draft) => {
    if (value.length !== 4) return false;
    draft.fourOctetAs = u32At(value, 0);
    return true;
  },
  write: ({ fourOctetAs: as }) => (as === undefined ? [] : [u32Bytes(as)]),
};
