const UDP = 17;
const FRAGMENT_OFFSET = 0x1fff;
const CHECKSUM = 6;

/** Bytes of a UDP header. */
export const UDP_HEADER_BYTES = 8;

export const word = (packet: Uint8Array, at: number): number =>
  ((packet[at] as number) << 8) | (packet[at + 1] as number);

export const isV6 = (packet: Uint8Array): boolean => (packet[0] as number) >> 4 === 6;

/** Where what follows the IP header begins. */
export const payloadAt = (packet: Uint8Array): number => (isV6(packet) ? 40 : 4 * ((packet[0] as number) & 15));

/** Where the UDP header begins; -1: there is none. */
export const udpOf = (packet: Uint8Array): number => {
  const at = payloadAt(packet);
  const isWhole = isV6(packet) || (word(packet, 6) & FRAGMENT_OFFSET) === 0;
  return (isV6(packet) ? packet[6] : packet[9]) === UDP && isWhole && packet.length >= at + UDP_HEADER_BYTES ? at : -1;
};

/** A checksum after one of the words below it has become another one (RFC 1624 eqn. 3). */
const mended = (checksum: number, before: number, after: number): number => {
  let sum = (~checksum & 0xffff) + (~before & 0xffff) + after;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
};

const put = (packet: Uint8Array, at: number, value: number): void => {
  packet[at] = value >> 8;
  packet[at + 1] = value & 0xff;
};

/** Replaces a word that the UDP checksum covers, and brings the checksum after it. A checksum of 0 is none. */
export const setUdpWord = (packet: Uint8Array, udp: number, at: number, value: number): void => {
  const before = word(packet, at);
  put(packet, at, value);
  const checksum = word(packet, udp + CHECKSUM);
  if (checksum !== 0) put(packet, udp + CHECKSUM, mended(checksum, before, value) || 0xffff);
};

/** Replaces a word of an address, which an IPv4 header's own checksum covers too. */
export const setAddressWord = (packet: Uint8Array, udp: number, at: number, value: number): void => {
  if (!isV6(packet)) put(packet, 10, mended(word(packet, 10), word(packet, at), value));
  setUdpWord(packet, udp, at, value);
};
