import { u16At } from '../bytes.ts';
import { type CapabilityRow, u16Bytes } from './definition.ts';

/** RFC 4760 §8: an instance for each family. */
export const multiprotocol: CapabilityRow = {
  code: 1,
  name: 'multiprotocol',
  read: (value, draft) => {
    if (value.length !== 4) return false;
    // The third byte is reserved, and ignored.
    const family = (u16At(value, 0) << 8) | (value[3] as number);
    if (!draft.families.includes(family)) draft.families = [...draft.families, family];
    return true;
  },
  write: ({ families }) => families.map((family) => [...u16Bytes(family >>> 8), 0, family & 0xff]),
};
