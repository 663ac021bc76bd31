import { u32At } from '../bytes.ts';
import { communityText, extendedCommunityText, hexText, largeCommunityText } from '../communities.ts';
import { AttributeCode } from './codes.ts';
import { OPTIONAL_TRANSITIVE } from './definition.ts';
import { listAttribute } from './fixed.ts';

/** RFC 1997, RFC 7606 §7.8. */
export const communities = listAttribute(
  AttributeCode.communities,
  'COMMUNITIES',
  OPTIONAL_TRANSITIVE,
  4,
  (buffer, at) => communityText(u32At(buffer, at)),
);

/** RFC 4360 §2, RFC 7606 §7.14. */
export const extendedCommunities = listAttribute(
  AttributeCode.extendedCommunities,
  'EXTENDED_COMMUNITIES',
  OPTIONAL_TRANSITIVE,
  8,
  extendedCommunityText,
);

/** RFC 5701 §2, RFC 7606 §7.15. */
export const ipv6ExtendedCommunities = listAttribute(
  AttributeCode.ipv6ExtendedCommunities,
  'IPV6_EXTENDED_COMMUNITIES',
  OPTIONAL_TRANSITIVE,
  20,
  (buffer, at) => `0x${hexText(buffer, at, at + 20)}`,
);

/** RFC 8092 §3, §6. */
export const largeCommunities = listAttribute(
  AttributeCode.largeCommunities,
  'LARGE_COMMUNITIES',
  OPTIONAL_TRANSITIVE,
  12,
  largeCommunityText,
);
