import { writePacketNumber } from './number.ts';

/** Bytes that `writeShortHeader` will write. */
export const shortHeaderLength = (dcidBytes: number, numberBytes: number): number => 1 + dcidBytes + numberBytes;

/**
 * Writes the header of a 1-RTT packet (RFC 9000 §17.3.1). Who greases the fixed bit (RFC 9287) clears 0x40 afterwards.
 *
 * @param numberBytes 1 to 4 (`packetNumberBytes`)
 * @returns where the payload begins
 */
export const writeShortHeader = (
  buf: Uint8Array,
  at: number,
  dcid: Uint8Array,
  spin: boolean,
  keyPhase: boolean,
  packetNumber: number,
  numberBytes: number,
): number => {
  buf[at] = 0x40 | (spin ? 0x20 : 0) | (keyPhase ? 0x04 : 0) | (numberBytes - 1);
  const length = dcid.length;
  for (let i = 0; i < length; i++) buf[at + 1 + i] = dcid[i] as number;
  return writePacketNumber(buf, at + 1 + length, packetNumber, numberBytes);
};
