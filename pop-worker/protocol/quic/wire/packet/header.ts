import { u32At } from '../reader.ts';
import { PacketType } from './packet-type.ts';
import { isSupportedVersion, longPacketType, MAX_CID_BYTES } from './version.ts';

/** Bytes of the Retry Integrity Tag (RFC 9001 §5.8). */
export const RETRY_TAG_BYTES = 16;

/** What is readable of a packet before its protection is removed. Offsets are those of the buffer; reused. */
export class PacketHeader {
  type: PacketType = PacketType.unsupported;
  /** 0 for a short header (and for Version Negotiation). */
  version = 0;
  /** The first byte. */
  start = 0;
  dcidStart = 0;
  dcidLength = 0;
  /** Length 0 for a short header. */
  scidStart = 0;
  scidLength = 0;
  /** Initial: its token. Retry: the retry token. */
  tokenStart = 0;
  tokenLength = 0;
  /**
   * Where the packet number is. Retry: where the integrity tag is. Version Negotiation: where the versions are.
   * Unsupported version: what follows the connection IDs.
   */
  packetNumberAt = 0;
  /** The end of this packet; another one may be coalesced behind it (RFC 9000 §12.2). */
  end = 0;
}

/** Whether the packet at this byte has a long header (RFC 8999 §5.1). */
export const isLongHeader = (buf: Uint8Array, at: number): boolean => ((buf[at] as number) & 0x80) !== 0;

/** Where the Destination Connection ID of any QUIC packet begins (RFC 8999 §5). For demultiplexing, before parsing. */
export const destinationCidStart = (buf: Uint8Array, at: number): number => (isLongHeader(buf, at) ? at + 6 : at + 1);

/**
 * Its length: as the long header says, or `shortCidBytes`.
 *
 * @returns -1 when the packet is too short to have it
 */
export const destinationCidLength = (buf: Uint8Array, at: number, end: number, shortCidBytes: number): number => {
  // A length that lies behind the packet never ends within it.
  const length = isLongHeader(buf, at) ? (buf[at + 5] as number) : shortCidBytes;
  return destinationCidStart(buf, at) + length <= end ? length : -1;
};

/**
 * Parses the header of the packet at `start` of a datagram that ends at `end`. Nothing is authenticated yet, so whatever
 * does not parse is dropped silently (RFC 9000 §5.2). For a version other than ours only what RFC 8999 fixes is read.
 *
 * @param shortCidBytes length of our own connection IDs
 * @param acceptGreased also take packets whose fixed bit is 0: when we sent grease_quic_bit (RFC 9287 §3)
 * @returns false: drop the rest of the datagram
 */
export const parseHeader = (
  buf: Uint8Array,
  start: number,
  end: number,
  shortCidBytes: number,
  out: PacketHeader,
  acceptGreased = false,
): boolean => {
  const first = buf[start] as number;
  if ((first & 0x80) !== 0) return parseLong(buf, start, end, out, acceptGreased);
  if ((first & 0x40) === 0 && !acceptGreased) return false;
  const packetNumberAt = start + 1 + shortCidBytes;
  if (packetNumberAt >= end) return false;
  out.type = PacketType.oneRtt;
  out.version = 0;
  out.start = start;
  out.dcidStart = start + 1;
  out.dcidLength = shortCidBytes;
  out.scidStart = packetNumberAt;
  out.scidLength = 0;
  out.tokenStart = packetNumberAt;
  out.tokenLength = 0;
  out.packetNumberAt = packetNumberAt;
  out.end = end;
  return true;
};

const parseLong = (buf: Uint8Array, start: number, end: number, out: PacketHeader, acceptGreased: boolean): boolean => {
  if (start + 6 > end) return false;
  const version = u32At(buf, start + 1);
  out.version = version;
  out.start = start;
  out.dcidStart = start + 6;
  out.dcidLength = buf[start + 5] as number;
  const scidLengthAt = out.dcidStart + out.dcidLength;
  if (scidLengthAt >= end) return false;
  out.scidStart = scidLengthAt + 1;
  out.scidLength = buf[scidLengthAt] as number;
  const at = out.scidStart + out.scidLength;
  if (at > end) return false;
  out.tokenStart = at;
  out.tokenLength = 0;
  out.packetNumberAt = at;
  out.end = end;
  if (version === 0 || !isSupportedVersion(version)) {
    out.type = version === 0 ? PacketType.versionNegotiation : PacketType.unsupported;
    return true;
  }
  const first = buf[start] as number;
  if ((first & 0x40) === 0 && !acceptGreased) return false;
  if (out.dcidLength > MAX_CID_BYTES || out.scidLength > MAX_CID_BYTES) return false;
  out.type = longPacketType(version, first);
  return out.type === PacketType.retry ? parseRetry(at, end, out) : parseNumbered(buf, at, end, out);
};

/** RFC 9000 §17.2.5.2: a Retry with an empty token is discarded. */
const parseRetry = (at: number, end: number, out: PacketHeader): boolean => {
  out.tokenLength = end - RETRY_TAG_BYTES - at;
  out.packetNumberAt = end - RETRY_TAG_BYTES;
  return out.tokenLength > 0;
};

const parseNumbered = (buf: Uint8Array, at: number, end: number, out: PacketHeader): boolean => {
  let next = at;
  if (out.type === PacketType.initial) {
    const tokenLength = varintAt(buf, next, end);
    if (tokenLength < 0) return false;
    out.tokenStart = next + varintBytesAt(buf, next);
    out.tokenLength = tokenLength;
    next = out.tokenStart + tokenLength;
  }
  const length = varintAt(buf, next, end);
  // A packet has at least a packet number of one byte.
  if (length < 1) return false;
  out.packetNumberAt = next + varintBytesAt(buf, next);
  out.end = out.packetNumberAt + length;
  return out.end <= end;
};

const varintBytesAt = (buf: Uint8Array, at: number): number => 1 << ((buf[at] as number) >> 6);

/** The variable-length integer at this place, -1 when it is cut off. Headers do not throw: floods are cheap to drop. */
const varintAt = (buf: Uint8Array, at: number, end: number): number => {
  const bytes = varintBytesAt(buf, at);
  if (at + bytes > end) return -1;
  let value = (buf[at] as number) & 0x3f;
  for (let i = 1; i < bytes; i++) value = value * 256 + (buf[at + i] as number);
  return value;
};
