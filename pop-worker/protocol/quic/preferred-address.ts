import { ADDRESS_WORDS, addressFamily, addressPort } from '../address.ts';
import type { QuicConfig } from './config.ts';
import type { PreferredAddress } from './wire/parameters/definition.ts';

/** Word of an address where its bytes begin (`../address.ts`), in bytes. */
const BYTES_AT = 8;

const bytesOf = (words: Int32Array | undefined, length: number): Uint8Array =>
  words === undefined ? new Uint8Array(length) : new Uint8Array(words.slice().buffer, BYTES_AT, length);

/** What a server says of where it would rather be (RFC 9000 §18.2). @param cid with sequence number 1 */
export const preferredAddressOf = (
  { ipv4, ipv6 }: NonNullable<QuicConfig['preferredAddress']>,
  connectionId: Uint8Array,
  statelessResetToken: Uint8Array,
): PreferredAddress => ({
  ipv4: bytesOf(ipv4, 4),
  ipv4Port: ipv4 === undefined ? 0 : addressPort(ipv4),
  ipv6: bytesOf(ipv6, 16),
  ipv6Port: ipv6 === undefined ? 0 : addressPort(ipv6),
  connectionId,
  statelessResetToken,
});

/** The address that a client of this family is to use. @returns undefined when the server has none of it */
export const addressToPrefer = (preferred: PreferredAddress, like: Int32Array): Int32Array | undefined => {
  const family = addressFamily(like);
  const bytes = family === 4 ? preferred.ipv4 : preferred.ipv6;
  const port = family === 4 ? preferred.ipv4Port : preferred.ipv6Port;
  if (port === 0 || bytes.every((byte) => byte === 0)) return undefined;
  const words = new Int32Array(ADDRESS_WORDS);
  words[0] = family | (port << 16);
  new Uint8Array(words.buffer).set(bytes, BYTES_AT);
  return words;
};
