import { varintLength, writeVarint } from '#protocol/quic/wire/varint.ts';

/** RFC 9297 §3.5, RFC 9484 §4.7. */
export const CapsuleType = {
  datagram: 0x00,
  addressAssign: 0x01,
  addressRequest: 0x02,
  routeAdvertisement: 0x03,
} as const;

/**
 * A capsule ready for `sendBody` (RFC 9297 §3.2). Capsules are read by `FrameParser`: they have the layout of frames.
 *
 * @param parts the value in pieces
 */
export const encodeCapsule = (type: number, ...parts: readonly Uint8Array[]): Uint8Array => {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const out = new Uint8Array(varintLength(type) + varintLength(length) + length);
  let at = writeVarint(out, writeVarint(out, 0, type), length);
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
};

/** DATAGRAM capsules wait no longer than this many bytes: they stand for something unreliable. */
export const CAPSULE_QUEUE_BYTES = 1 << 18;
