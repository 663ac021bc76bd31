import { formatPrefix } from '#protocol/ip/text.ts';

const IPV4_BYTES = 4;

/** An address as a key of a `Map`: a number of IPv4, a text of IPv6. */
export type AddressKey = number | string;

/** What is one network to detectors: a /24, or a /48. */
const NETWORK_BYTES = { v4: 3, v6: 6 } as const;

const bytesOf = (address: Uint8Array, isNetwork: boolean): number => {
  if (!isNetwork) return address.length;
  return address.length === IPV4_BYTES ? NETWORK_BYTES.v4 : NETWORK_BYTES.v6;
};

const keyOf = (address: Uint8Array, bytes: number): AddressKey => {
  if (address.length !== IPV4_BYTES) return String.fromCharCode(...address.subarray(0, bytes));
  let key = 0;
  for (let i = 0; i < IPV4_BYTES; i++) key = key * 256 + (i < bytes ? (address[i] as number) : 0);
  return key;
};

/** Of an address itself. */
export const addressKey = (address: Uint8Array): AddressKey => keyOf(address, address.length);

/** Of its /24 or /48. */
export const networkKey = (address: Uint8Array): AddressKey => keyOf(address, bytesOf(address, true));

/** As prefix: `192.0.2.1/32`, or `192.0.2.0/24` of its network. */
export const prefixTextOf = (address: Uint8Array, isNetwork: boolean): string => {
  const bytes = bytesOf(address, isNetwork);
  const first = new Uint8Array(address.length);
  first.set(address.subarray(0, bytes));
  return formatPrefix({ address: first, length: 8 * bytes });
};
