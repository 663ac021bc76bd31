import { PacketType } from './packet-type.ts';

/** Versions that we speak: RFC 9000, RFC 9369. */
export const Version = { v1: 0x0000_0001, v2: 0x6b33_43cf } as const;

/** RFC 9000 §17.2: longer connection IDs exist only in other versions. */
export const MAX_CID_BYTES = 20;

export const isSupportedVersion = (version: number): boolean => version === Version.v1 || version === Version.v2;

/** What the two type bits of a long header mean, by version (RFC 9000 §17.2 table 5, RFC 9369 §3.2). */
const TYPES_V1 = [PacketType.initial, PacketType.zeroRtt, PacketType.handshake, PacketType.retry] as const;
const TYPES_V2 = [PacketType.retry, PacketType.initial, PacketType.zeroRtt, PacketType.handshake] as const;

/** Type bits of each packet type; the index is `PacketType`, that of oneRtt is unused. */
const BITS_V1 = [0, 1, 2, 0, 3] as const;
const BITS_V2 = [1, 2, 3, 0, 0] as const;

/** @param firstByte of a long header of a version that we speak */
export const longPacketType = (version: number, firstByte: number): PacketType =>
  (version === Version.v2 ? TYPES_V2 : TYPES_V1)[((firstByte >> 4) & 3) as 0 | 1 | 2 | 3];

/** First byte of a long header, its low four bits zero. */
export const longFirstByte = (version: number, type: PacketType): number =>
  0xc0 | (((version === Version.v2 ? BITS_V2 : BITS_V1)[type as 0 | 1 | 2 | 4] as number) << 4);
