import { PacketHeader, parseHeader } from '../wire/packet/header.ts';
import type { PacketType } from '../wire/packet/packet-type.ts';

/** Kinds of the packets in a datagram, in order. @param cidBytes length of the receiver's connection IDs */
export const packetTypes = (bytes: Uint8Array, cidBytes = 8): PacketType[] => {
  const header = new PacketHeader();
  const types: PacketType[] = [];
  for (let at = 0; at < bytes.length && parseHeader(bytes, at, bytes.length, cidBytes, header, true); at = header.end) {
    types.push(header.type);
  }
  return types;
};
