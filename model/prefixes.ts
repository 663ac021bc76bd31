/** Addresses and prefixes of both families as text; pure, so that two services decide alike. */
import { ipv4ToNumber } from './addresses.ts';

const canonicalIpv6 = (text: string): string | undefined => {
  if (!text.includes(':') || !/^[0-9A-Fa-f:.]+$/.test(text)) return undefined;
  // The URL standard's host parser writes RFC 5952's form.
  const host = URL.canParse(`http://[${text}]`) ? new URL(`http://[${text}]`).hostname : undefined;
  return host?.slice(1, -1);
};

/** @returns the address in its one form (RFC 5952), undefined when the text is none */
export const canonicalAddress = (text: string): string | undefined =>
  ipv4ToNumber(text) === undefined ? canonicalIpv6(text) : text;

/** What nobody may announce (RFC 6890, RFC 4291 §2.4): first bits of the address, how many, and what it is. */
const SPECIAL4 = [
  [0, 8, 'of “this network”'],
  [127, 8, 'loopback'],
  [0xa9fe, 16, 'link-local'],
  [0xe, 4, 'multicast'],
  [0xf, 4, 'reserved'],
] as const;
const SPECIAL6 = [
  [0, 8, 'loopback or reserved'],
  [0x3fa, 10, 'link-local'],
  [0xff, 8, 'multicast'],
] as const;

/** @param canonical address @returns why it is none that packets are routed to; undefined: an ordinary one */
const specialAddress = (canonical: string): string | undefined => {
  const number = ipv4ToNumber(canonical);
  const first16 = number === undefined ? Number.parseInt(canonical.split(':')[0] || '0', 16) : number >>> 16;
  const special = number === undefined ? SPECIAL6 : SPECIAL4;
  return special.find(([bits, count]) => first16 >>> (16 - count) === bits)?.[2];
};

/** Link-local with an interface behind it (RFC 4007 §11.2), such as fe80::1%eth0, or any address without. */
export const canonicalNeighbor = (text: string): string | undefined => {
  const [address = '', zone, ...rest] = text.split('%');
  const canonical = canonicalAddress(address);
  if (canonical === undefined || rest.length > 0) return undefined;
  const isLinkLocal = /^fe[89ab]/.test(canonical);
  // Without its interface a link-local address is no neighbour's, and no other has one.
  if (isLinkLocal !== (zone !== undefined)) return undefined;
  if (zone === undefined) return canonical;
  return /^[A-Za-z0-9._-]{1,15}$/.test(zone) ? `${canonical}%${zone}` : undefined;
};

/** @param neighbor of `canonicalNeighbor` @returns why no router has the address; undefined: one may. Link-local ones are used. */
export const unreachableNeighbor = (neighbor: string): string | undefined => {
  const kind = specialAddress(neighbor.split('%')[0] ?? '');
  return kind === undefined || kind === 'link-local' ? undefined : `is ${kind}: no other router has it`;
};

/** @returns a prefix without bits behind it in its one form; its text was found to be one before */
export const canonicalPrefix = (text: string): string => {
  const [address = '', length = ''] = text.split('/');
  return `${canonicalAddress(address) ?? address}/${Number(length)}`;
};

const LEAST_BITS = 8;

/** @param prefix in its one form @returns why it can be no prefix of ours for others to come to; undefined: it can be */
export const unannounceable = (prefix: string): string | undefined => {
  const [address = '', length = ''] = prefix.split('/');
  if (Number(length) < LEAST_BITS) return `is shorter than /${LEAST_BITS}: nobody has so much of the internet`;
  const found = specialAddress(address);
  return found && `is ${found}: nobody comes to it from elsewhere`;
};
