import type { PrefixComponent } from './component.ts';

/**
 * Prefix components: type and length, in IPv6 also an offset, and the bits between them, which begin at a byte
 * (RFC 8955 §4.2.2.1, RFC 8956 §3.1).
 *
 * @param at of the type
 * @returns the end of the component; 0 when it is malformed
 */
export const prefixEnd = (buffer: Uint8Array, at: number, end: number, bits: number): number => {
  const head = headBytes(bits);
  if (end - at < head) return 0;
  const length = buffer[at + 1] as number;
  const offset = bits === 32 ? 0 : (buffer[at + 2] as number);
  // RFC 8956 §3.1: offset < length, unless both are zero.
  if (length > bits || (offset >= length && offset + length > 0)) return 0;
  const next = at + head + ((length - offset + 7) >>> 3);
  return next <= end ? next : 0;
};

const headBytes = (bits: number): number => (bits === 32 ? 2 : 3);

/** Of one that `prefixEnd` has passed. */
export const readPrefix = (buffer: Uint8Array, at: number, bits: number): PrefixComponent => {
  const length = buffer[at + 1] as number;
  const offset = bits === 32 ? 0 : (buffer[at + 2] as number);
  const pattern = at + headBytes(bits);
  const address = new Uint8Array(bits >>> 3);
  for (let bit = offset; bit < length; bit++) {
    const from = bit - offset;
    const isSet = ((buffer[pattern + (from >>> 3)] as number) << (from & 7)) & 0x80;
    if (isSet !== 0) address[bit >>> 3] = (address[bit >>> 3] as number) | (0x80 >>> (bit & 7));
  }
  return { kind: 'prefix', type: buffer[at] as number, length, offset, address };
};

/** @returns its bytes; what is outside the range in the address is left out */
export const prefixComponentBytes = ({ type, length, offset, address }: PrefixComponent): number[] => {
  const pattern = new Uint8Array((length - offset + 7) >>> 3);
  for (let bit = offset; bit < length; bit++) {
    const from = bit - offset;
    const isSet = ((address[bit >>> 3] as number) << (bit & 7)) & 0x80;
    if (isSet !== 0) pattern[from >>> 3] = (pattern[from >>> 3] as number) | (0x80 >>> (from & 7));
  }
  return address.length === 4 ? [type, length, ...pattern] : [type, length, offset, ...pattern];
};
