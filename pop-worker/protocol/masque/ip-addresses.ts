import type { PayloadReader } from '#protocol/http3/varint.ts';
import type { Prefix } from '#protocol/ip/text.ts';
import { varintLength, writeVarint } from '#protocol/quic/wire/varint.ts';

/** An entry of ADDRESS_ASSIGN and of ADDRESS_REQUEST alike (RFC 9484 §4.7.1, §4.7.2). */
export interface AddressEntry {
  /** Of the request that it answers or is; 0 in an assignment that answers none. */
  readonly requestId: number;
  readonly prefix: Prefix;
}

/** Entries of a capsule at most; ours and the longest list that is taken. */
export const MAX_ADDRESSES = 64;
/** 8 bytes of Request ID, version, address, prefix length. */
export const MAX_ADDRESS_CAPSULE_BYTES = MAX_ADDRESSES * (8 + 1 + 16 + 1);

/** Bits behind the prefix length must be 0 (RFC 9484 §4.7.1). */
const isCanonical = (address: Uint8Array, length: number): boolean => {
  for (let bit = length; bit < address.length * 8; bit++) {
    if ((((address[bit >> 3] as number) >> (7 - (bit & 7))) & 1) !== 0) return false;
  }
  return true;
};

/** @returns the address after its version byte, or undefined when that is neither 4 nor 6 or bytes are missing */
export const readAddress = (reader: PayloadReader, version: number): Uint8Array | undefined =>
  version === 4 || version === 6 ? reader.bytes(version === 4 ? 4 : 16)?.slice() : undefined;

/** @returns undefined when the value is malformed */
export const parseAddressEntries = (reader: PayloadReader): AddressEntry[] | undefined => {
  const entries: AddressEntry[] = [];
  while (reader.remaining > 0) {
    const requestId = reader.varint();
    const address = readAddress(reader, reader.byte());
    const length = reader.byte();
    if (requestId < 0 || address === undefined || length < 0 || length > address.length * 8) return undefined;
    if (!isCanonical(address, length) || entries.length === MAX_ADDRESSES) return undefined;
    entries.push({ requestId, prefix: { address, length } });
  }
  return entries;
};

export const encodeAddressEntries = (entries: readonly AddressEntry[]): Uint8Array => {
  const bytes = entries.reduce(
    (sum, entry) => sum + varintLength(entry.requestId) + 2 + entry.prefix.address.length,
    0,
  );
  const out = new Uint8Array(bytes);
  let at = 0;
  for (const { requestId, prefix } of entries) {
    at = writeVarint(out, at, requestId);
    out[at++] = prefix.address.length === 4 ? 4 : 6;
    out.set(prefix.address, at);
    at += prefix.address.length;
    out[at++] = prefix.length;
  }
  return out;
};

/** Whether an entry may be sent at all. */
export const isValidPrefix = ({ address, length }: Prefix): boolean =>
  (address.length === 4 || address.length === 16) &&
  Number.isInteger(length) &&
  length >= 0 &&
  length <= address.length * 8 &&
  isCanonical(address, length);

/** "Any address" in a request, "none" in an answer (RFC 9484 §4.7.2). */
const isAllZero = (address: Uint8Array): boolean => address.every((byte) => byte === 0);

/** The answer to a request that is not granted: all zeros, full length (RFC 9484 §4.7.2). */
export const rejectionOf = ({ requestId, prefix }: AddressEntry): AddressEntry => ({
  requestId,
  prefix: { address: new Uint8Array(prefix.address.length), length: prefix.address.length * 8 },
});

export const isRejection = ({ requestId, prefix }: AddressEntry): boolean =>
  requestId !== 0 && isAllZero(prefix.address) && prefix.length === prefix.address.length * 8;
