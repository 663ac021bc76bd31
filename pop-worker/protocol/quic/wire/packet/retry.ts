import { writeLongStart } from './long.ts';
import { PacketType } from './packet-type.ts';
import { longFirstByte } from './version.ts';

/**
 * Writes a Retry packet without its integrity tag (RFC 9000 §17.2.5): the caller appends the 16 bytes of
 * `CryptoPort.retryTag(version, retryPseudoPacket(…))`.
 *
 * @param unused four bits that mean nothing and may be random
 * @param scid the connection ID that the client must use from now on
 * @returns where the tag goes
 */
export const writeRetry = (
  buf: Uint8Array,
  at: number,
  version: number,
  unused: number,
  dcid: Uint8Array,
  scid: Uint8Array,
  token: Uint8Array,
): number => {
  const first = longFirstByte(version, PacketType.retry) | (unused & 0x0f);
  const next = writeLongStart(buf, at, first, version, dcid, scid);
  buf.set(token, next);
  return next + token.length;
};

/**
 * What the Retry Integrity Tag is computed over (RFC 9001 §5.8).
 *
 * @param originalDcid Destination Connection ID of the client's first Initial packet
 * @param start of the Retry packet
 * @param tagAt where its tag is (`PacketHeader.packetNumberAt`) or will be
 */
export const retryPseudoPacket = (
  originalDcid: Uint8Array,
  buf: Uint8Array,
  start: number,
  tagAt: number,
): Uint8Array => {
  const pseudo = new Uint8Array(1 + originalDcid.length + tagAt - start);
  pseudo[0] = originalDcid.length;
  pseudo.set(originalDcid, 1);
  pseudo.set(buf.subarray(start, tagAt), 1 + originalDcid.length);
  return pseudo;
};
