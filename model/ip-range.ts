/** Prefixes of both families as ranges of numbers, to be compared; pure, so that services and clients decide alike. */
import { ipv4ToNumber, numberToIpv4 } from './addresses.ts';
import { canonicalAddress } from './prefixes.ts';

/** The addresses of a prefix. */
export interface IpRange {
  /** 32: IPv4, 128: IPv6. */
  readonly bits: 32 | 128;
  readonly first: bigint;
  readonly last: bigint;
}

/** @param text in its one form (RFC 5952), which has no dots */
const ipv6ToNumber = (text: string): bigint => {
  const [head = '', tail] = text.split('::');
  const groups = (part: string | undefined): string[] => (part ? part.split(':') : []);
  const [left, right] = [groups(head), groups(tail)];
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].reduce((sum, group) => sum * 65_536n + BigInt(Number.parseInt(group, 16)), 0n);
};

const numberToIpv6 = (value: bigint): string => {
  const groups = Array.from({ length: 8 }, (_, i) => ((value >> BigInt(112 - 16 * i)) & 0xffffn).toString(16));
  return canonicalAddress(groups.join(':')) as string;
};

/** @returns undefined when it is no address */
export const addressRange = (text: string): IpRange | undefined => {
  const canonical = canonicalAddress(text);
  if (canonical === undefined) return undefined;
  const number = ipv4ToNumber(canonical);
  const value = number === undefined ? ipv6ToNumber(canonical) : BigInt(number);
  return { bits: number === undefined ? 128 : 32, first: value, last: value };
};

/** @returns a sentence when it is no prefix, or has bits set behind it */
export const parsePrefixRange = (text: string): IpRange | string => {
  const [address = '', length = '', ...rest] = text.split('/');
  const range = addressRange(address);
  const isLength = rest.length === 0 && /^(0|[1-9]\d{0,2})$/.test(length) && Number(length) <= (range?.bits ?? 0);
  if (range === undefined || !isLength)
    return `must be a prefix, such as 192.168.10.0/24, not ${JSON.stringify(text.slice(0, 60))}`;
  const size = 1n << BigInt(range.bits - Number(length));
  const behind = range.first % size;
  const whole = { ...range, first: range.first - behind, last: range.first - behind + size - 1n };
  return behind === 0n ? whole : `has bits set behind its prefix: is ${prefixText(whole)} meant?`;
};

/** Of a prefix that was found to be one. @throws RangeError on another text */
export const prefixRange = (text: string): IpRange => {
  const range = parsePrefixRange(text);
  if (typeof range === 'string') throw new RangeError(`${text} ${range}`);
  return range;
};

/** The prefix that the range is; what was read from one is one. */
export const prefixText = ({ bits, first, last }: IpRange): string => {
  const length = bits - (last - first + 1n).toString(2).length + 1;
  return `${bits === 32 ? numberToIpv4(Number(first)) : numberToIpv6(first)}/${length}`;
};

export const contains = (outer: IpRange, inner: IpRange): boolean =>
  outer.bits === inner.bits && outer.first <= inner.first && inner.last <= outer.last;

/** Of prefixes one holds the other, or they share nothing. */
export const overlaps = (a: IpRange, b: IpRange): boolean => contains(a, b) || contains(b, a);

/** The prefix without what is in the holes, as prefixes in order: where a hole is inside, its halves are looked at. */
const withoutHoles = (range: IpRange, holes: readonly IpRange[]): IpRange[] => {
  if (holes.some((hole) => contains(hole, range))) return [];
  if (!holes.some((hole) => contains(range, hole))) return [range];
  const middle = range.first + (range.last - range.first + 1n) / 2n;
  return [...withoutHoles({ ...range, last: middle - 1n }, holes), ...withoutHoles({ ...range, first: middle }, holes)];
};

/** Some prefixes without what is in others, as few as possible where the first ones do not overlap. */
export const subtractPrefixes = (prefixes: readonly string[], holes: readonly string[]): string[] =>
  prefixes.flatMap((prefix) => withoutHoles(prefixRange(prefix), holes.map(prefixRange))).map(prefixText);
