import { varintLength, writeU32, writeVarint, writeVarintFixed } from '../varint.ts';
import { writePacketNumber } from './number.ts';
import { type LongPacketType, PacketType } from './packet-type.ts';
import { longFirstByte } from './version.ts';

/** The Length field is always written in two bytes, so that it can be patched when the packet is full. */
export const LENGTH_FIELD_BYTES = 2;

/** Bytes that `writeLongHeader` will write. */
export const longHeaderLength = (
  type: LongPacketType,
  dcidBytes: number,
  scidBytes: number,
  tokenBytes: number,
  numberBytes: number,
): number =>
  7 +
  dcidBytes +
  scidBytes +
  (type === PacketType.initial ? varintLength(tokenBytes) + tokenBytes : 0) +
  LENGTH_FIELD_BYTES +
  numberBytes;

/**
 * Writes the header of an Initial, 0-RTT or Handshake packet (RFC 9000 §17.2), its Length still 0: `patchLength` sets it.
 *
 * @param token used by Initial packets only
 * @param numberBytes 1 to 4 (`packetNumberBytes`)
 * @returns where the payload begins
 */
export const writeLongHeader = (
  buf: Uint8Array,
  at: number,
  type: LongPacketType,
  version: number,
  dcid: Uint8Array,
  scid: Uint8Array,
  token: Uint8Array,
  packetNumber: number,
  numberBytes: number,
): number => {
  let next = writeLongStart(buf, at, longFirstByte(version, type) | (numberBytes - 1), version, dcid, scid);
  if (type === PacketType.initial) {
    next = writeVarint(buf, next, token.length);
    buf.set(token, next);
    next += token.length;
  }
  next = writeVarintFixed(buf, next, 0, LENGTH_FIELD_BYTES);
  return writePacketNumber(buf, next, packetNumber, numberBytes);
};

/**
 * @param payloadAt what `writeLongHeader` returned
 * @param end of the packet, with room for the AEAD tag
 * @throws QuicError local when the packet is longer than 16383 bytes
 */
export const patchLength = (buf: Uint8Array, payloadAt: number, numberBytes: number, end: number): void => {
  const numberAt = payloadAt - numberBytes;
  writeVarintFixed(buf, numberAt - LENGTH_FIELD_BYTES, end - numberAt, LENGTH_FIELD_BYTES);
};

/** What all long headers have in common, up to the connection IDs (RFC 8999 §5.1). @returns the offset behind them */
export const writeLongStart = (
  buf: Uint8Array,
  at: number,
  first: number,
  version: number,
  dcid: Uint8Array,
  scid: Uint8Array,
): number => {
  buf[at] = first;
  let next = writeU32(buf, at + 1, version);
  buf[next++] = dcid.length;
  buf.set(dcid, next);
  next += dcid.length;
  buf[next++] = scid.length;
  buf.set(scid, next);
  return next + scid.length;
};
