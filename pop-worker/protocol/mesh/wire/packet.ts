import { DatagramKind } from './frame.ts';

/** In front of a tenant's packet in a DATAGRAM frame that goes directly: kind, then the place. */
export const PACKET_HEADER_BYTES = 10;
/** In front of one that goes through a third member: kind, receiver, sender, then the place. */
export const RELAYED_HEADER_BYTES = 14;
const PLACE_BYTES = 9;
/** In front of half a packet that does not fit the link whole: kind, then a number that both halves have. */
export const HALF_HEADER_BYTES = 5;

/** A session within its worker: the thread that has it, its index there, and what tells it from earlier ones of that index. */
export interface Place {
  readonly thread: number;
  readonly id: number;
  readonly serial: number;
}

const writeU32 = (buffer: Uint8Array, at: number, value: number): void => {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
};

const writeU16 = (buffer: Uint8Array, at: number, value: number): void => {
  buffer[at] = value >>> 8;
  buffer[at + 1] = value;
};

const u16 = (buffer: Uint8Array, at: number): number => ((buffer[at] as number) << 8) | (buffer[at + 1] as number);
const u32 = (buffer: Uint8Array, at: number): number => u16(buffer, at) * 0x1_0000 + u16(buffer, at + 2);

const writePlace = (buffer: Uint8Array, at: number, { thread, id, serial }: Place): void => {
  buffer[at] = thread;
  writeU32(buffer, at + 1, id);
  writeU32(buffer, at + 5, serial);
};

/** Writes the header in front of a packet that begins at `packetAt`. @returns where the datagram begins */
export const writePacketHeader = (buffer: Uint8Array, packetAt: number, place: Place): number => {
  const start = packetAt - PACKET_HEADER_BYTES;
  buffer[start] = DatagramKind.packet;
  writePlace(buffer, start + 1, place);
  return start;
};

/** As `writePacketHeader`, of a packet that a third member is to hand on. */
export const writeRelayedHeader = (
  buffer: Uint8Array,
  packetAt: number,
  place: Place,
  from: number,
  to: number,
): number => {
  const start = packetAt - RELAYED_HEADER_BYTES;
  buffer[start] = DatagramKind.relayed;
  writeU16(buffer, start + 1, to);
  writeU16(buffer, start + 3, from);
  writePlace(buffer, start + 5, place);
  return start;
};

/** The header of a packet that came; read anew for each, so that nothing is made for it. */
export class PacketHeader {
  /** Of a relayed one; 0 of one that came directly. */
  to = 0;
  from = 0;
  thread = 0;
  id = 0;
  serial = 0;
  /** Where the tenant's packet begins. */
  packetAt = 0;

  /** @returns false when it is no packet's, or has none behind it */
  read(buffer: Uint8Array, start: number, end: number): boolean {
    const relayed = buffer[start] === DatagramKind.relayed;
    if (!relayed && buffer[start] !== DatagramKind.packet) return false;
    this.packetAt = start + (relayed ? RELAYED_HEADER_BYTES : PACKET_HEADER_BYTES);
    if (this.packetAt >= end) return false;
    this.to = relayed ? u16(buffer, start + 1) : 0;
    this.from = relayed ? u16(buffer, start + 3) : 0;
    const at = this.packetAt - PLACE_BYTES;
    this.thread = buffer[at] as number;
    this.id = u32(buffer, at + 1);
    this.serial = u32(buffer, at + 5);
    return true;
  }
}

/** Writes the header in front of a half that begins at `at`. @param number 32 bits */
export const writeHalfHeader = (buffer: Uint8Array, at: number, isFirst: boolean, number: number): void => {
  buffer[at - HALF_HEADER_BYTES] = isFirst ? DatagramKind.first : DatagramKind.second;
  writeU32(buffer, at - HALF_HEADER_BYTES + 1, number);
};

/** Whether a DATAGRAM is half a packet, with bytes behind its header. */
export const isHalf = (buffer: Uint8Array, start: number, end: number): boolean =>
  (buffer[start] === DatagramKind.first || buffer[start] === DatagramKind.second) && end - start > HALF_HEADER_BYTES;

export const isFirstHalf = (buffer: Uint8Array, start: number): boolean => buffer[start] === DatagramKind.first;

/** The number of a half. */
export const halfNumber = (buffer: Uint8Array, start: number): number => u32(buffer, start + 1);
