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

/** @returns a prefix without bits behind it in its one form; its text was found to be one before */
export const canonicalPrefix = (text: string): string => {
  const [address = '', length = ''] = text.split('/');
  return `${canonicalAddress(address) ?? address}/${Number(length)}`;
};
