import { u16At, u32At } from './bytes.ts';

/** Communities that mean something everywhere: RFC 1997, RFC 3765, RFC 7999, RFC 8326, RFC 9494. */
export const Community = {
  gracefulShutdown: 0xffff_0000,
  llgrStale: 0xffff_0006,
  noLlgr: 0xffff_0007,
  blackhole: 0xffff_029a,
  noExport: 0xffff_ff01,
  noAdvertise: 0xffff_ff02,
  noExportSubconfed: 0xffff_ff03,
  noPeer: 0xffff_ff04,
} as const;

const NAMES: Readonly<Record<number, string>> = {
  [Community.gracefulShutdown]: 'graceful-shutdown',
  [Community.llgrStale]: 'llgr-stale',
  [Community.noLlgr]: 'no-llgr',
  [Community.blackhole]: 'blackhole',
  [Community.noExport]: 'no-export',
  [Community.noAdvertise]: 'no-advertise',
  [Community.noExportSubconfed]: 'no-export-subconfed',
  [Community.noPeer]: 'no-peer',
};

/** @returns `64500:100`, or the name of a well-known one */
export const communityText = (value: number): string => NAMES[value] ?? `${value >>> 16}:${value & 0xffff}`;

/** @returns undefined when the text is no community */
export const parseCommunity = (text: string): number | undefined => {
  const named = Object.entries(NAMES).find(([, name]) => name === text);
  if (named !== undefined) return Number(named[0]);
  const [high, low, ...more] = text.split(':').map((part) => parseNumber(part, 0xffff));
  return high === undefined || low === undefined || more.length > 0 ? undefined : high * 0x1_0000 + low;
};

/**
 * The canonical form of RFC 8092 §5.
 *
 * @returns the three numbers; undefined when the text is no large community
 * @public for rules from the API
 */
export const parseLargeCommunity = (text: string): readonly [number, number, number] | undefined => {
  const [global, first, second, ...more] = text.split(':').map((part) => parseNumber(part, 0xffff_ffff));
  if (global === undefined || first === undefined || second === undefined || more.length > 0) return undefined;
  return [global, first, second];
};

/** Decimal without leading zeros. */
const parseNumber = (text: string, most: number): number | undefined => {
  if (!/^(0|[1-9][0-9]{0,9})$/.test(text)) return undefined;
  return Number(text) <= most ? Number(text) : undefined;
};

/** @returns `64500:1:2` (RFC 8092 §5) */
export const largeCommunityText = (buffer: Uint8Array, at: number): string =>
  `${u32At(buffer, at)}:${u32At(buffer, at + 4)}:${u32At(buffer, at + 8)}`;

/** By the low byte of the type (RFC 4360 §4, §5). */
const SUBTYPES: Readonly<Record<number, string>> = { 2: 'rt', 3: 'ro' };

/**
 * An extended community (RFC 4360 §3, RFC 5668 §2).
 *
 * @returns `rt:64500:7`, `ro:192.0.2.1:7`; eight bytes in hexadecimal for what is neither route target nor origin
 */
export const extendedCommunityText = (buffer: Uint8Array, at: number): string => {
  const subtype = SUBTYPES[buffer[at + 1] as number];
  if (subtype !== undefined) {
    if (buffer[at] === 0) return `${subtype}:${u16At(buffer, at + 2)}:${u32At(buffer, at + 4)}`;
    if (buffer[at] === 1) return `${subtype}:${buffer.subarray(at + 2, at + 6).join('.')}:${u16At(buffer, at + 6)}`;
    if (buffer[at] === 2) return `${subtype}:${u32At(buffer, at + 2)}:${u16At(buffer, at + 6)}`;
  }
  return `0x${hexText(buffer, at, at + 8)}`;
};

export const hexText = (buffer: Uint8Array, start: number, end: number): string => {
  let text = '';
  for (let i = start; i < end; i++) text += (buffer[i] as number).toString(16).padStart(2, '0');
  return text;
};
