import { u16At } from '../bytes.ts';
import { type CapabilityRow, u16Bytes } from './definition.ts';

const TRIPLE_BYTES = 6;
const AFI_IPV4 = 1;
const AFI_IPV6 = 2;

/** RFC 8950 §4. Other triples than those for IPv4 prefixes with IPv6 next hops are not specified, and passed over. */
export const extendedNextHop: CapabilityRow = {
  code: 5,
  name: 'extended-next-hop',
  read: (value, draft) => {
    if (value.length === 0 || value.length % TRIPLE_BYTES !== 0) return false;
    const families = new Set(draft.extendedNextHop);
    for (let at = 0; at < value.length; at += TRIPLE_BYTES) {
      const safi = u16At(value, at + 2);
      const isKnown = u16At(value, at) === AFI_IPV4 && safi <= 0xff && u16At(value, at + 4) === AFI_IPV6;
      if (isKnown) families.add((AFI_IPV4 << 8) | safi);
    }
    draft.extendedNextHop = [...families];
    return true;
  },
  write: ({ extendedNextHop: families }) =>
    families.length === 0
      ? []
      : [families.flatMap((family) => [...u16Bytes(family >>> 8), 0, family & 0xff, ...u16Bytes(AFI_IPV6)])],
};
