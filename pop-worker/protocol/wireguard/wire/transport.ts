import { PADDING_MULTIPLE } from '../limits.ts';

/** Transport data (paper §5.4.6): where its fields lie. Words are little-endian, the counter's low one first. */
export const TRANSPORT = { receiver: 4, counterLow: 8, counterHigh: 12, content: 16 } as const;
export const TAG_BYTES = 16;
/** Header and tag; with no content it is a keepalive. */
export const LEAST_TRANSPORT_BYTES = TRANSPORT.content + TAG_BYTES;

/**
 * Bytes of a packet with its zeros (paper §5.4.6): a multiple of 16, but never beyond the inner MTU, which the network
 * below was measured for.
 */
export const paddedLength = (length: number, mtu: number): number => {
  const padded = Math.ceil(length / PADDING_MULTIPLE) * PADDING_MULTIPLE;
  return length > mtu ? length : Math.min(padded, mtu);
};
