import { u32At } from '../reader.ts';
import { writeU32 } from '../varint.ts';
import type { PacketHeader } from './header.ts';
import { writeLongStart } from './long.ts';

/**
 * Writes a Version Negotiation packet (RFC 9000 §17.2.1).
 *
 * @param random seven unpredictable bits for the first byte
 * @param dcid the Source Connection ID of the packet that it answers; up to 255 bytes
 * @param scid its Destination Connection ID
 * @returns the end of the packet
 */
export const writeVersionNegotiation = (
  buf: Uint8Array,
  at: number,
  random: number,
  dcid: Uint8Array,
  scid: Uint8Array,
  versions: readonly number[],
): number => {
  // §17.2.1: the bit where other packets have the fixed bit SHOULD be 1, to coexist with other protocols.
  let next = writeLongStart(buf, at, 0xc0 | (random & 0x3f), 0, dcid, scid);
  for (const version of versions) next = writeU32(buf, next, version);
  return next;
};

/** @returns the versions that the server offers; undefined when there is none or the last one is cut off: drop it */
export const parseVersionNegotiation = (buf: Uint8Array, header: PacketHeader): number[] | undefined => {
  const bytes = header.end - header.packetNumberAt;
  if (bytes === 0 || bytes % 4 !== 0) return undefined;
  const versions: number[] = [];
  for (let at = header.packetNumberAt; at < header.end; at += 4) versions.push(u32At(buf, at));
  return versions;
};
