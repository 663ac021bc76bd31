import { nextComponent } from './nlri.ts';
import { componentType } from './types.ts';

/**
 * Which of two well-formed flow specifications goes first when both match (RFC 8955 §5.1, RFC 8956 §4).
 *
 * @throws RangeError when one is not well formed
 * @returns negative when `a` does, positive when `b` does, 0 when they are the same
 */
export const compareFlowSpecs = (a: Uint8Array, b: Uint8Array, bits: number): number => {
  let atA = 0;
  let atB = 0;
  while (atA < a.length && atB < b.length) {
    const typeDifference = (a[atA] as number) - (b[atB] as number);
    if (typeDifference !== 0) return typeDifference;
    const endA = nextComponent(a, atA, a.length, bits);
    const endB = nextComponent(b, atB, b.length, bits);
    const isPrefix = componentType(a[atA] as number, bits)?.kind === 'prefix';
    const difference = isPrefix
      ? comparePrefixes(a.subarray(atA + 1, endA), b.subarray(atB + 1, endB), bits)
      : compareBytes(a.subarray(atA, endA), b.subarray(atB, endB));
    if (difference !== 0) return difference;
    atA = endA;
    atB = endB;
  }
  // One that has a component more goes first.
  return b.length - atB - (a.length - atA);
};

/** Length, offset in IPv6, and bits: a lower offset first, then the more specific, then the lower. */
const comparePrefixes = (a: Uint8Array, b: Uint8Array, bits: number): number => {
  const head = bits === 32 ? 1 : 2;
  const offset = bits === 32 ? 0 : (a[1] as number);
  if (bits !== 32 && a[1] !== b[1]) return (a[1] as number) - (b[1] as number);
  const common = Math.min(a[0] as number, b[0] as number) - offset;
  for (let bit = 0; bit < common; bit++) {
    const difference = bitAt(a, head, bit) - bitAt(b, head, bit);
    if (difference !== 0) return difference;
  }
  return (b[0] as number) - (a[0] as number);
};

const bitAt = (bytes: Uint8Array, head: number, bit: number): number =>
  ((bytes[head + (bit >>> 3)] as number) >>> (7 - (bit & 7))) & 1;

/** Like memcmp; of two of which one begins with the other, the longer goes first. */
const compareBytes = (a: Uint8Array, b: Uint8Array): number => {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return b.length - a.length;
};
