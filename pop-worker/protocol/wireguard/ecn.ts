import { adjust, readWord, writeWord } from '#protocol/ip/checksum.ts';
import { DROP, ecnAfterTunnel } from '../ecn.ts';

/** Where the IPv4 header has its checksum. */
const CHECKSUM = 10;

const shiftOf = (packet: Uint8Array, at: number): number => ((packet[at] as number) >>> 4 === 6 ? 4 : 0);

/** Codepoint of an IP packet. @param at of its first byte */
export const ecnInside = (packet: Uint8Array, at: number): number =>
  ((packet[at + 1] as number) >>> shiftOf(packet, at)) & 3;

/**
 * Tells a packet out of the tunnel what happened to its message on the way (RFC 6040 §4.2).
 *
 * @param at of its first byte @param outer codepoint of the message
 * @returns false: it is to be dropped
 */
export const tellCongestion = (packet: Uint8Array, at: number, outer: number): boolean => {
  const inner = ecnInside(packet, at);
  const after = ecnAfterTunnel(inner, outer);
  if (after === DROP) return false;
  if (after === inner) return true;
  const shift = shiftOf(packet, at);
  const before = readWord(packet, at);
  const word = before ^ ((inner ^ after) << shift);
  writeWord(packet, at, word);
  if (shift === 0) writeWord(packet, at + CHECKSUM, adjust(readWord(packet, at + CHECKSUM), before, word));
  return true;
};
