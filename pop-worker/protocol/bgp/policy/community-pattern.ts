import { parseIpv4 } from '#protocol/ip/text.ts';
import { AttributeCode } from '../wire/attributes/codes.ts';
import { u16At, u32At, writeU16, writeU32 } from '../wire/bytes.ts';
import { parseCommunity } from '../wire/communities.ts';
import { type NumberRange, parseNumberRange } from './number-range.ts';

/** Communities of one kind. */
export interface CommunityPattern {
  /** The attribute that they are in, and the bytes of each. */
  readonly code: number;
  readonly bytes: 4 | 8 | 12;
  /** Whether the one at an offset is meant. */
  test(buffer: Uint8Array, at: number): boolean;
  /** The one that is meant, where it is one. */
  readonly exact: Uint8Array | undefined;
}

const MOST_16 = 0xffff;
const MOST_32 = 0xffff_ffff;
/** Route target and route origin (RFC 4360 §4, §5). */
const SUBTYPES: Readonly<Record<string, number>> = { rt: 2, ro: 3 };
/** Types of RFC 4360 §3 and RFC 5668 §2, by what the first number is. */
const TYPE = { as2: 0, ipv4: 1, as4: 2 } as const;

const isIn = ({ least, most }: NumberRange, value: number): boolean => value >= least && value <= most;

/** @returns what is meant, or undefined when the text is no community */
export const parseCommunityPattern = (text: string): CommunityPattern | undefined => {
  const parts = text.split(':');
  if (text.startsWith('0x')) return parseBytes(text);
  if (parts[0] !== undefined && Object.hasOwn(SUBTYPES, parts[0])) return parseExtended(parts);
  return parts.length === 3 ? parseLarge(parts) : parseStandard(text, parts);
};

const parseStandard = (text: string, parts: readonly string[]): CommunityPattern | undefined => {
  const known = parseCommunity(text);
  const ranges = known !== undefined ? [exactly(known >>> 16), exactly(known & 0xffff)] : rangesOf(parts, MOST_16);
  const [high, low] = ranges ?? [];
  if (high === undefined || low === undefined || parts.length > 2) return undefined;
  const exact = isOne(high) && isOne(low) ? new Uint8Array(4) : undefined;
  if (exact !== undefined) writeU16(exact, writeU16(exact, 0, high.least), low.least);
  return {
    code: AttributeCode.communities,
    bytes: 4,
    test: (buffer, at) => isIn(high, u16At(buffer, at)) && isIn(low, u16At(buffer, at + 2)),
    exact,
  };
};

const parseLarge = (parts: readonly string[]): CommunityPattern | undefined => {
  const [global, first, second] = rangesOf(parts, MOST_32) ?? [];
  if (global === undefined || first === undefined || second === undefined) return undefined;
  const exact = isOne(global) && isOne(first) && isOne(second) ? new Uint8Array(12) : undefined;
  if (exact !== undefined)
    writeU32(exact, writeU32(exact, writeU32(exact, 0, global.least), first.least), second.least);
  return {
    code: AttributeCode.largeCommunities,
    bytes: 12,
    test: (buffer, at) =>
      isIn(global, u32At(buffer, at)) && isIn(first, u32At(buffer, at + 4)) && isIn(second, u32At(buffer, at + 8)),
    exact,
  };
};

const parseBytes = (text: string): CommunityPattern | undefined => {
  if (!/^0x[0-9a-fA-F]{16}$/.test(text)) return undefined;
  const exact = Uint8Array.from({ length: 8 }, (_, i) => Number.parseInt(text.slice(2 + 2 * i, 4 + 2 * i), 16));
  const test = (buffer: Uint8Array, at: number): boolean => exact.every((byte, i) => buffer[at + i] === byte);
  return { code: AttributeCode.extendedCommunities, bytes: 8, test, exact };
};

const parseExtended = (parts: readonly string[]): CommunityPattern | undefined => {
  const [kind = '', first = '', second = ''] = parts;
  if (parts.length !== 3) return undefined;
  const subtype = SUBTYPES[kind] as number;
  const ipv4 = parseIpv4(first);
  const global = ipv4 === undefined ? parseNumberRange(first, MOST_32) : exactly(u32At(ipv4, 0));
  const local = parseNumberRange(second, MOST_32);
  if (global === undefined || local === undefined) return undefined;
  const test = (buffer: Uint8Array, at: number): boolean => {
    if (buffer[at + 1] !== subtype) return false;
    const type = buffer[at] as number;
    if (type === TYPE.as2)
      return ipv4 === undefined && isIn(global, u16At(buffer, at + 2)) && isIn(local, u32At(buffer, at + 4));
    if (type !== (ipv4 === undefined ? TYPE.as4 : TYPE.ipv4)) return false;
    return isIn(global, u32At(buffer, at + 2)) && isIn(local, u16At(buffer, at + 6));
  };
  const exact = isOne(global) && isOne(local) ? extendedBytes(subtype, ipv4 !== undefined, global, local) : undefined;
  return { code: AttributeCode.extendedCommunities, bytes: 8, test, exact };
};

/** An AS number that fits two bytes leaves four for the other number (RFC 5668 §3). */
const extendedBytes = (
  subtype: number,
  isIpv4: boolean,
  { least: global }: NumberRange,
  { least: local }: NumberRange,
): Uint8Array | undefined => {
  const bytes = new Uint8Array(8);
  bytes[1] = subtype;
  if (!isIpv4 && global <= MOST_16) {
    writeU32(bytes, writeU16(bytes, 2, global), local);
    return bytes;
  }
  if (local > MOST_16) return undefined;
  bytes[0] = isIpv4 ? TYPE.ipv4 : TYPE.as4;
  writeU16(bytes, writeU32(bytes, 2, global), local);
  return bytes;
};

const exactly = (value: number): NumberRange => ({ least: value, most: value });
const isOne = ({ least, most }: NumberRange): boolean => least === most;

const rangesOf = (parts: readonly string[], most: number): NumberRange[] | undefined => {
  const ranges = parts.map((part) => parseNumberRange(part, most));
  return ranges.every((range) => range !== undefined) ? ranges : undefined;
};
