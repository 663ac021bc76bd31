/** The Internet checksum (RFC 1071); 0 over bytes that contain a right one. */
export const internetChecksum = (bytes: Uint8Array, initial = 0): number => {
  let sum = initial;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] as number) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
};

/** Turns an IPv4 packet round in place; no checksum changes by it. */
export const swapAddresses = (packet: Uint8Array): void => {
  const source = packet.slice(12, 16);
  packet.copyWithin(12, 16, 20);
  packet.set(source, 16);
};

const ipv4Bytes = (text: string): number[] => text.split('.').map(Number);

/** An IPv4 packet of this protocol with room for `length` bytes, its header complete. */
const ipv4 = (source: string, destination: string, protocol: number, length: number): Uint8Array => {
  const packet = new Uint8Array(20 + length);
  const view = new DataView(packet.buffer);
  packet[0] = 0x45;
  view.setUint16(2, packet.length);
  packet[8] = 64;
  packet[9] = protocol;
  packet.set(ipv4Bytes(source), 12);
  packet.set(ipv4Bytes(destination), 16);
  view.setUint16(10, internetChecksum(packet.subarray(0, 20)));
  return packet;
};

/** An echo request (RFC 792). @param sequence 0 to 255 */
export const ipv4Echo = (source: string, destination: string, sequence: number, payload: Uint8Array): Uint8Array => {
  const packet = ipv4(source, destination, 1, 8 + payload.length);
  packet[20] = 8;
  packet[27] = sequence;
  packet.set(payload, 28);
  new DataView(packet.buffer).setUint16(22, internetChecksum(packet.subarray(20)));
  return packet;
};

/** A TCP packet with sequence number 1000 whose checksum covers the pseudo-header only, as for checksum offload. */
export const ipv4Tcp = (source: string, destination: string, payload: Uint8Array): Uint8Array => {
  const packet = ipv4(source, destination, 6, 20 + payload.length);
  const view = new DataView(packet.buffer);
  view.setUint16(20, 5000);
  view.setUint16(22, 6000);
  view.setUint32(24, 1000);
  view.setUint32(28, 1);
  packet[32] = 0x50;
  packet[33] = 0x10;
  view.setUint16(34, 0xffff);
  // The pseudo-header's sum, not complemented: the kernel completes it (virtio 1.2 §5.1.6.2).
  view.setUint16(36, ~internetChecksum(packet.subarray(12, 20), 6 + 20 + payload.length) & 0xffff);
  packet.set(payload, 40);
  return packet;
};
