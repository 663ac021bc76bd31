import { u32At } from '#protocol/bgp/wire/bytes.ts';
import { RtrErrorCode, remoteError } from '../errors.ts';

/** A record of an IPv4 or IPv6 Prefix PDU (RFC 8210 §5.6, §5.7): an AS may originate a prefix, and what is inside of it. */
export interface PrefixRecord {
  isAnnounced: boolean;
  bits: 32 | 128;
  length: number;
  maxLength: number;
  /** Four words, the first of which is all of an IPv4 address; bits past the length are zero. */
  readonly address: Uint32Array;
  /** 0: no AS may (RFC 6483 §4). */
  as: number;
}

export const IPV4_PREFIX_BYTES = 20;
export const IPV6_PREFIX_BYTES = 32;

export const newPrefixRecord = (): PrefixRecord => ({
  isAnnounced: false,
  bits: 32,
  length: 0,
  maxLength: 0,
  address: new Uint32Array(4),
  as: 0,
});

/**
 * Reads a PDU that has its length into a record that is used again and again.
 *
 * @throws RtrError when it is no prefix; bits past its length are taken as zero, which RFC 8210 says nothing of
 */
export const readPrefix = (buffer: Uint8Array, at: number, bits: 32 | 128, out: PrefixRecord): void => {
  out.isAnnounced = ((buffer[at + 8] as number) & 1) === 1;
  out.bits = bits;
  out.length = buffer[at + 9] as number;
  out.maxLength = buffer[at + 10] as number;
  if (out.length > out.maxLength || out.maxLength > bits)
    throw remoteError(RtrErrorCode.corruptData, `a prefix of /${out.length} to /${out.maxLength}, of ${bits} bits`);
  const words = bits / 32;
  out.address.fill(0);
  for (let i = 0; i < words; i++) out.address[i] = u32At(buffer, at + 12 + 4 * i) & wordMask(out.length - 32 * i);
  out.as = u32At(buffer, at + 12 + 4 * words);
};

const wordMask = (bits: number): number => (bits >= 32 ? -1 : bits <= 0 ? 0 : ~0 << (32 - bits));
