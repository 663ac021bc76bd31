import { addressFamily, addressPort } from '#protocol/address.ts';
import { formatIpAddress } from '#protocol/ip/text.ts';
import { type Fields, hex } from './event.ts';

/** `TupleEndpointInfo` (quic-events §8.5). @param words `address.ts`; all zero: the kernel chose it */
export const endpointInfo = (words: Int32Array, cids: readonly Uint8Array[] = []): Fields => {
  const known = words.some((word) => word !== 0);
  const ids = cids.filter((cid) => cid.length > 0).map((cid) => hex(cid));
  return { ...(known && addressFields(words)), ...(ids.length > 0 && { connection_ids: ids }) };
};

const addressFields = (words: Int32Array): Fields => {
  const family = addressFamily(words);
  const bytes = new Uint8Array(words.buffer, words.byteOffset + 8, family === 4 ? 4 : 16);
  return { [`ip_v${family}`]: formatIpAddress(bytes), [`port_v${family}`]: addressPort(words) };
};
