import { parseIpAddress } from '#protocol/ip/text.ts';

/** RFC 3986 §3.2.2 reg-name, after percent-decoding, as far as DNS names need it. */
const HOST_NAME =
  /^(?=.{1,253}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9\-_]{0,61}[A-Za-z0-9_])?)(?:\.[A-Za-z0-9_](?:[A-Za-z0-9\-_]{0,61}[A-Za-z0-9_])?)*\.?$/;
const PORT = /^[0-9]{1,5}$/;

/** Where a tunnel leads: an address when the host is a literal, else a name that is to be resolved. */
export interface Target {
  /** In lower case, without brackets. */
  readonly host: string;
  readonly address: Uint8Array | undefined;
  readonly port: number;
}

/** A name whose last label is a number would be read as IPv4 by somebody (RFC 6943 §3.1.1, WHATWG URL). */
const looksNumeric = (host: string): boolean => /(?:^|\.)(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?$/.test(host);

/** @returns 'name', the address's bytes, or undefined when it is no host. Zones are not supported (RFC 9298 §3). */
export const parseHost = (host: string): Uint8Array | 'name' | undefined => {
  const address = parseIpAddress(host);
  if (address !== undefined) return address;
  return HOST_NAME.test(host) && !looksNumeric(host) ? 'name' : undefined;
};

/** @returns 1 to 65535, undefined for anything else */
const parsePort = (text: string): number | undefined => {
  const port = PORT.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : undefined;
};

/** @returns undefined when host or port is invalid */
export const parseTarget = (host: string, port: string): Target | undefined => {
  const parsed = parseHost(host);
  const number = parsePort(port);
  if (parsed === undefined || number === undefined) return undefined;
  return { host: host.toLowerCase(), address: parsed === 'name' ? undefined : parsed, port: number };
};

/** The authority form of CONNECT: host:port, IPv6 in brackets (RFC 9110 §7.1). */
export const parseAuthority = (authority: string): Target | undefined => {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(authority);
  if (match === null) return undefined;
  const [, ipv6, other, port] = match;
  // What is in brackets is IPv6, and only that.
  if (ipv6 !== undefined && !ipv6.includes(':')) return undefined;
  return parseTarget(ipv6 ?? (other as string), port as string);
};
