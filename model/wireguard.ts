/** What both sides know of WireGuard's keys and endpoints as text. */
import { canonicalAddress } from './prefixes.ts';

/** Bytes of a public, private or preshared key. */
export const WIREGUARD_KEY_BYTES = 32;

const KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** @returns 32 bytes, undefined when the text is no key as `wg` writes one */
export const wireguardKey = (text: string): Uint8Array<ArrayBuffer> | undefined =>
  KEY.test(text) ? Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)) : undefined;

/** As `wg` writes it. */
export const wireguardKeyText = (key: Uint8Array): string => btoa(String.fromCharCode(...key));

const hex = (key: Uint8Array): string => Array.from(key, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Points of small order (RFC 7748 §6.1): with them any private key gives zeros, and no handshake comes about. */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

/** Whether somebody can have the private key of it. @param key 32 bytes */
export const isUsablePublicKey = (key: Uint8Array): boolean =>
  // RFC 7748 §5: the last bit is not looked at.
  !SMALL_ORDER.has(hex(key.map((byte, i) => (i === WIREGUARD_KEY_BYTES - 1 ? byte & 0x7f : byte))));

/** A place that datagrams go to. */
export interface WireguardEndpoint {
  /** An address in its one form, or a name. */
  readonly host: string;
  readonly isAddress: boolean;
  /** 1 to 65535. */
  readonly port: number;
}

const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

const isName = (text: string): boolean => {
  const labels = text.split('.');
  // All digits would be a mistyped address.
  return text.length <= 253 && labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(labels.at(-1) ?? '');
};

/** @returns undefined when it is none of ADDRESS:PORT, [ADDRESS]:PORT and NAME:PORT */
export const parseWireguardEndpoint = (text: string): WireguardEndpoint | undefined => {
  const [, bracketed, plain = '', port = ''] = /^(?:\[([^[\]]+)\]|([^[\]:]+)):([1-9]\d{0,4})$/.exec(text) ?? [];
  if (port === '' || Number(port) > 65_535) return undefined;
  const address = canonicalAddress(bracketed ?? plain);
  // Brackets are IPv6's, which would have no end without them.
  if (address?.includes(':') === (bracketed !== undefined))
    return { host: address, isAddress: true, port: Number(port) };
  if (bracketed !== undefined || address !== undefined) return undefined;
  const name = plain.toLowerCase();
  return isName(name) ? { host: name, isAddress: false, port: Number(port) } : undefined;
};

export const wireguardEndpointText = ({ host, port }: WireguardEndpoint): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** Whether datagrams can be sent there from elsewhere. @param address in its one form */
export const isReachableAddress = (address: string): boolean =>
  !/^(0|127|169\.254|22[4-9]|23\d|24\d|25[0-5])\./.test(address) && !/^(::1?$|fe[89ab]|ff|::ffff:)/.test(address);
