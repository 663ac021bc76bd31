import { u16At, u32At, writeU16, writeU32 } from '#protocol/bgp/wire/bytes.ts';
import { RtrErrorCode, remoteError } from '../errors.ts';

/** RFC 8210 §5, §14. */
export const PduType = {
  serialNotify: 0,
  serialQuery: 1,
  resetQuery: 2,
  cacheResponse: 3,
  ipv4Prefix: 4,
  ipv6Prefix: 6,
  endOfData: 7,
  cacheReset: 8,
  routerKey: 9,
  errorReport: 10,
} as const;

export const HEADER_BYTES = 8;
/** The longest that is taken: a Router Key or an Error Report, of which none comes near. */
export const MAX_PDU_BYTES = 8192;

/** Versions that are spoken: RFC 8210 and RFC 6810. */
export const VERSION_1 = 1;
export const VERSION_0 = 0;

/** Begins a PDU of `length` bytes. @param field the last two bytes of the first word */
export const newPdu = (version: number, type: number, field: number, length: number): Uint8Array => {
  const pdu = new Uint8Array(length);
  pdu[0] = version;
  pdu[1] = type;
  writeU16(pdu, 2, field);
  writeU32(pdu, 4, length);
  return pdu;
};

/** @returns bytes of the PDU that begins at `at` @throws RtrError when no PDU is so long */
export const lengthAt = (buffer: Uint8Array, at: number): number => {
  const length = u32At(buffer, at + 4);
  if (length < HEADER_BYTES || length > MAX_PDU_BYTES)
    throw remoteError(RtrErrorCode.corruptData, `a PDU of ${length} bytes`);
  return length;
};

/** Session ID, error code or zero. */
export const fieldAt = (buffer: Uint8Array, at: number): number => u16At(buffer, at + 2);
