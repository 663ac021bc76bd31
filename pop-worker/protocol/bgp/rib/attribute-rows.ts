import { formatIpAddress } from '#protocol/ip/text.ts';
import { attributesText } from '../wire/attributes/text.ts';

/** Name and value of each attribute, as people read them. */
export type AttributeRows = readonly (readonly [name: string, value: string])[];

/**
 * Attributes of a canonical set with the next hop before them.
 *
 * @param nextHop 4 or 16 bytes, or 32: a global address and a link-local one (RFC 2545 §3); none: our own address
 */
export const attributeRows = (nextHop: Uint8Array, bytes: Uint8Array, start: number, end: number): AttributeRows => {
  const addresses = [nextHop.subarray(0, 16), nextHop.subarray(16)].filter(({ length }) => length > 0);
  const hop = addresses.length === 0 ? 'self' : addresses.map(formatIpAddress).join(' ');
  return [['NEXT_HOP', hop], ...attributesText(bytes, start, end)];
};
