/** Bytes of headers of an inner packet, and of its number. */
const HEADER_BYTES = 20;
const LEAST_BYTES = 40;
const SIZES = 561;

/** An IPv4 packet with a number, whose size and content follow from it: 40 to 600 bytes. @param from side, 0 or 1 */
export const makePacket = (from: number, number: number): Uint8Array => {
  const length = LEAST_BYTES + ((number * 37) % SIZES);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes.set([0x45, 0, length >> 8, length & 0xff, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, from, 1, 10, 0, 1 - from, 1]);
  view.setUint32(HEADER_BYTES, number);
  for (let i = HEADER_BYTES + 4; i < length; i++) bytes[i] = number * 7 + i * 13;
  return bytes;
};

/** @returns its number, or undefined unless it is what `makePacket` made of it */
export const readPacket = (from: number, bytes: Uint8Array): number | undefined => {
  if (bytes.length < LEAST_BYTES) return undefined;
  const number = new DataView(bytes.buffer, bytes.byteOffset).getUint32(HEADER_BYTES);
  return Buffer.compare(bytes, makePacket(from, number)) === 0 ? number : undefined;
};
