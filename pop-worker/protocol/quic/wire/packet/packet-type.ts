/** Kinds of packets. The first four have the numbers of `Level` in `ports.ts`. */
export const PacketType = {
  initial: 0,
  zeroRtt: 1,
  handshake: 2,
  oneRtt: 3,
  retry: 4,
  versionNegotiation: 5,
  /** A long header of a version that we do not speak: only version and connection IDs mean anything (RFC 8999). */
  unsupported: 6,
} as const;
export type PacketType = (typeof PacketType)[keyof typeof PacketType];

/** Packets whose header has a Length field. */
export type LongPacketType = typeof PacketType.initial | typeof PacketType.zeroRtt | typeof PacketType.handshake;
