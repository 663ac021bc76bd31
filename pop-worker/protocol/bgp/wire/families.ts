import { u16At, writeU16 } from './bytes.ts';

/**
 * An address family: AFI and SAFI (RFC 4760 §3, §6) as one number, `AFI << 8 | SAFI`. Those that we know are here; others
 * are told of and never negotiated.
 */
export const Family = {
  ipv4Unicast: 0x0101,
  ipv6Unicast: 0x0201,
  /** RFC 8955 §4, RFC 8956 §2. */
  ipv4Flow: 0x0185,
  ipv6Flow: 0x0285,
} as const;
export type Family = (typeof Family)[keyof typeof Family];

const NAMES: Readonly<Record<number, string>> = {
  [Family.ipv4Unicast]: 'ipv4-unicast',
  [Family.ipv6Unicast]: 'ipv6-unicast',
  [Family.ipv4Flow]: 'ipv4-flow',
  [Family.ipv6Flow]: 'ipv6-flow',
};

/** Largest prefix length, by the AFI of a family. */
export const addressBits = (family: number): 32 | 128 => (family >>> 8 === 1 ? 32 : 128);

export const isFlow = (family: number): boolean => (family & 0xff) === 0x85;

/** @returns `ipv4-unicast` and the like; `afi-25-safi-70` for one that we do not know */
export const familyName = (family: number): string => NAMES[family] ?? `afi-${family >>> 8}-safi-${family & 0xff}`;

/** AFI in two bytes, SAFI in the next. */
export const familyAt = (buffer: Uint8Array, at: number): number =>
  (u16At(buffer, at) << 8) | (buffer[at + 2] as number);

/** @returns the offset behind AFI and SAFI */
export const writeFamily = (buffer: Uint8Array, at: number, family: number): number => {
  const next = writeU16(buffer, at, family >>> 8);
  buffer[next] = family;
  return next + 1;
};
