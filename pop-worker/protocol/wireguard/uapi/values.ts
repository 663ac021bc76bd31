import { type Prefix, parseIpAddress } from '#protocol/ip/text.ts';
import { Errno, UapiError } from './errors.ts';

/** Where a peer is, as text has it. */
export interface EndpointText {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly port: number;
  /** Of a link-local IPv6 address: an interface, by name or index; empty: none. */
  readonly zone: string;
}

/** A prefix that a peer gets or, with a minus in front of it, loses. */
export interface AllowedIpChange {
  readonly prefix: Prefix;
  readonly isRemoved: boolean;
}

const invalid = (what: string): UapiError => new UapiError(Errno.invalid, `${what} is none.`);

/** @param most the largest that it may be */
export const readNumber = (text: string, most: number, what: string): number => {
  if (!/^\d{1,10}$/.test(text) || Number(text) > most) throw invalid(what);
  return Number(text);
};

/** The one word that switches have. */
export const readTrue = (text: string, what: string): true => {
  if (text !== 'true') throw invalid(what);
  return true;
};

const PORT = /^(?:\[(?<six>[0-9a-fA-F:.]+)(?:%(?<zone>[0-9A-Za-z._@-]{1,15}))?\]|(?<four>[0-9.]+)):(?<port>\d{1,5})$/;
const MOST_PORT = 0xffff;

/** `192.0.2.1:51820`, `[2001:db8::1]:51820`, `[fe80::1%eth0]:51820`. Names are resolved by whoever asks. */
export const readEndpoint = (text: string): EndpointText => {
  const { six, four, zone = '', port = '' } = PORT.exec(text)?.groups ?? {};
  const address = parseIpAddress(six ?? four ?? '');
  const number = Number(port);
  if (address === undefined || (address.length === 16) !== (six !== undefined) || number > MOST_PORT || number === 0)
    throw invalid('The endpoint');
  return { address, port: number, zone };
};

const PREFIX = /^(?<sign>[+-]?)(?<address>[0-9a-fA-F:.]+)(?:\/(?<length>\d{1,3}))?$/;

/** `10.0.0.0/8`, `2001:db8::/32`; `-` in front takes it away. Bits behind the length are not looked at. */
export const readAllowedIp = (text: string): AllowedIpChange => {
  const { sign, address: host = '', length: digits } = PREFIX.exec(text)?.groups ?? {};
  const address = parseIpAddress(host);
  if (address === undefined) throw invalid('An allowed IP');
  const length = digits === undefined ? 8 * address.length : Number(digits);
  if (length > 8 * address.length) throw invalid('An allowed IP');
  return { prefix: { address, length }, isRemoved: sign === '-' };
};
