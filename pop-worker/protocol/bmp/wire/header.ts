import { writeU32 } from '#protocol/bgp/wire/bytes.ts';

/** RFC 7854 §4.1. */
export const BmpType = {
  routeMonitoring: 0,
  statisticsReport: 1,
  peerDown: 2,
  peerUp: 3,
  initiation: 4,
  termination: 5,
} as const;

const VERSION = 3;
export const HEADER_BYTES = 6;
export const PEER_HEADER_BYTES = 42;
/** Of both heads, before the UPDATE of Route Monitoring. */
export const HEADS_BYTES = HEADER_BYTES + PEER_HEADER_BYTES;

/** RFC 7854 §4.2, RFC 9069 §4.1. */
export const PeerType = { global: 0, locRib: 3 } as const;
/** RFC 7854 §4.2, RFC 8671 §4. */
export const PeerFlag = { ipv6: 0x80, postPolicy: 0x40, shortAs: 0x20, adjRibOut: 0x10 } as const;

/** Since 1970; zeros: not known. */
export interface BmpTime {
  readonly seconds: number;
  readonly microseconds: number;
}

export const NO_TIME: BmpTime = { seconds: 0, microseconds: 0 };

/** Whom a message is about. */
export interface BmpSubject {
  readonly type: number;
  /** 4 or 16 bytes; none: zeros. */
  readonly address: Uint8Array;
  readonly as: number;
  readonly identifier: number;
}

/** Writes the head of a message. @param length of all of it @returns the offset behind the head */
export const writeHeader = (out: Uint8Array, at: number, type: number, length: number): number => {
  out[at] = VERSION;
  const next = writeU32(out, at + 1, length);
  out[next] = type;
  return next + 1;
};

/** An address in 16 bytes, one of IPv4 in the last four. @returns the offset behind it */
export const writeAddress = (out: Uint8Array, at: number, address: Uint8Array): number => {
  out.fill(0, at, at + 16);
  out.set(address, at + 16 - address.length);
  return at + 16;
};

/** @param flags besides that of IPv6 @returns the offset behind it */
export const writePeerHeader = (
  out: Uint8Array,
  at: number,
  { type, address, as, identifier }: BmpSubject,
  flags: number,
  time: BmpTime,
): number => {
  out[at] = type;
  out[at + 1] = flags | (address.length === 16 ? PeerFlag.ipv6 : 0);
  // Peer Distinguisher: one instance alone.
  out.fill(0, at + 2, at + 10);
  let next = writeAddress(out, at + 10, address);
  next = writeU32(out, writeU32(out, next, as), identifier);
  return writeU32(out, writeU32(out, next, time.seconds), time.microseconds);
};
