import { isIPv4, isIPv6 } from 'node:net';
import { ADDRESS_WORDS, type AddressWords, addressFamily, addressPort } from '#protocol/address.ts';

const bytesAt = (words: Int32Array, at: number): Uint8Array =>
  new Uint8Array(words.buffer, words.byteOffset + (at + 2) * Int32Array.BYTES_PER_ELEMENT, 16);

const refuse = (text: string): never => {
  throw new TypeError(`"${text}" is not an IPv4 or IPv6 address`);
};

const writeIpv4 = (text: string, bytes: Uint8Array, at: number): void => {
  for (const [i, part] of text.split('.').entries()) bytes[at + i] = Number(part);
};

/** Writes groups of colon-separated hexadecimals, the last of which may be dotted; @returns bytes written */
const writeGroups = (groups: string, bytes: Uint8Array, start: number): number => {
  let at = start;
  if (groups === '') return 0;
  for (const group of groups.split(':')) {
    if (group.includes('.')) {
      writeIpv4(group, bytes, at);
      at += 4;
    } else {
      const value = Number.parseInt(group, 16);
      bytes[at++] = value >>> 8;
      bytes[at++] = value & 0xff;
    }
  }
  return at - start;
};

const writeIpv6 = (text: string, bytes: Uint8Array): void => {
  const [head = '', tail] = text.split('::');
  writeGroups(head, bytes, 0);
  if (tail === undefined) return;
  const scratch = new Uint8Array(16);
  const length = writeGroups(tail, scratch, 0);
  bytes.set(scratch.subarray(0, length), 16 - length);
};

const isMapped = (bytes: Uint8Array): boolean =>
  bytes.subarray(0, 10).every((byte) => byte === 0) && bytes[10] === 0xff && bytes[11] === 0xff;

/**
 * Writes an address given as text into six words. An IPv4-mapped IPv6 address becomes plain IPv4, as the engine presents
 * what it receives.
 *
 * @param text `192.0.2.1`, `2001:db8::1`, `fe80::1%3` (the zone is an interface index)
 * @param port 0 to 65535
 */
export const parseAddress = (text: string, port: number, words: AddressWords, at = 0): void => {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new RangeError(`port ${port} is not from 0 to 65535`);
  if (words.length < at + ADDRESS_WORDS) throw new RangeError(`an address takes ${ADDRESS_WORDS} words`);
  const [host = '', zone] = text.split('%');
  const family = isIPv4(host) ? 4 : isIPv6(host) ? 6 : refuse(text);
  if (zone !== undefined && (family === 4 || !/^\d{1,9}$/.test(zone))) refuse(text);
  words.fill(0, at, at + ADDRESS_WORDS);
  const bytes = bytesAt(words, at);
  if (family === 4) writeIpv4(host, bytes, 0);
  else writeIpv6(host, bytes);
  if (family === 6 && isMapped(bytes)) {
    bytes.copyWithin(0, 12);
    bytes.fill(0, 4);
    words[at] = 4 | (port << 16);
    return;
  }
  words[at] = family | (port << 16);
  words[at + 1] = Number(zone ?? 0);
};

/** A new set of six words; for set-up, not for packets. */
export const addressOf = (text: string, port = 0): AddressWords => {
  const words = new Int32Array(ADDRESS_WORDS);
  parseAddress(text, port, words);
  return words;
};

/** Where the longest run of at least two zero groups lies (RFC 5952 §4.2); [8, 0] when there is none. */
const longestZeroRun = (groups: readonly number[]): [start: number, length: number] => {
  let best: [number, number] = [8, 0];
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > Math.max(best[1], 1)) best = [start, end - start];
  }
  return best;
};

const formatIpv6 = (bytes: Uint8Array): string => {
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  const [start, length] = longestZeroRun(groups);
  const hex = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return length === 0 ? hex(0, 8) : `${hex(0, start)}::${hex(start + length, 8)}`;
};

/** The address without port, in the form of RFC 5952, with `%zone` when there is one. */
export const formatHost = (words: AddressWords, at = 0): string => {
  const bytes = bytesAt(words, at);
  if (addressFamily(words, at) === 4) return bytes.subarray(0, 4).join('.');
  const zone = words[at + 1];
  return zone === 0 ? formatIpv6(bytes) : `${formatIpv6(bytes)}%${zone}`;
};

/** `192.0.2.1:443` or `[2001:db8::1]:443`. */
export const formatAddress = (words: AddressWords, at = 0): string => {
  const host = formatHost(words, at);
  return addressFamily(words, at) === 4 ? `${host}:${addressPort(words, at)}` : `[${host}]:${addressPort(words, at)}`;
};
