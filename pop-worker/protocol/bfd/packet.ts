import { State } from './state.ts';

/** Bytes of the mandatory section (RFC 5880 §4.1). */
export const MANDATORY_BYTES = 24;
/** The least Length of a packet with the A bit: type and length of the authentication section (§6.8.6). */
const LEAST_AUTHENTICATED_BYTES = 26;
/** The longest packet that anybody sends: with SHA1 (§4.4). */
export const MOST_BYTES = 52;
const VERSION = 1;

const POLL = 0x20;
const FINAL = 0x10;
const INDEPENDENT = 0x08;
const AUTHENTICATED = 0x04;
const DEMAND = 0x02;
const MULTIPOINT = 0x01;

/** What is wrong with a packet by itself, in the order of RFC 5880 §6.8.6. */
export const PacketFault = {
  none: 0,
  version: 1,
  length: 2,
  truncated: 3,
  detectMult: 4,
  multipoint: 5,
  myDiscriminator: 6,
} as const;
export type PacketFault = (typeof PacketFault)[keyof typeof PacketFault];

/** The mandatory section of a control packet; intervals in microseconds. One object serves for all packets. */
export class ControlPacket {
  diagnostic = 0;
  state: State = State.down;
  poll = false;
  final = false;
  /** The C bit: the peer's BFD outlives its control plane. */
  independent = false;
  authenticated = false;
  demand = false;
  detectMult = 0;
  /** The Length field: the packet is this long, whatever carries it. */
  length = 0;
  myDiscriminator = 0;
  yourDiscriminator = 0;
  desiredMinTxUs = 0;
  requiredMinRxUs = 0;
  requiredMinEchoRxUs = 0;
}

const readWord = (bytes: Uint8Array, at: number): number =>
  (((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)) >>>
  0;

const writeWord = (bytes: Uint8Array, at: number, value: number): void => {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
};

/**
 * Reads a control packet in place. On a fault what `into` holds means nothing.
 *
 * @param length bytes of the UDP payload; the packet may be shorter, what is behind it is not looked at
 */
export const parsePacket = (bytes: Uint8Array, at: number, length: number, into: ControlPacket): PacketFault => {
  if (length < 4) return PacketFault.truncated;
  const first = bytes[at] as number;
  if (first >>> 5 !== VERSION) return PacketFault.version;
  const flags = bytes[at + 1] as number;
  const said = bytes[at + 3] as number;
  if (said < ((flags & AUTHENTICATED) === 0 ? MANDATORY_BYTES : LEAST_AUTHENTICATED_BYTES)) return PacketFault.length;
  if (said > length) return PacketFault.truncated;
  if (bytes[at + 2] === 0) return PacketFault.detectMult;
  if ((flags & MULTIPOINT) !== 0) return PacketFault.multipoint;
  into.myDiscriminator = readWord(bytes, at + 4);
  if (into.myDiscriminator === 0) return PacketFault.myDiscriminator;
  into.diagnostic = first & 31;
  into.state = (flags >>> 6) as State;
  into.poll = (flags & POLL) !== 0;
  into.final = (flags & FINAL) !== 0;
  into.independent = (flags & INDEPENDENT) !== 0;
  into.authenticated = (flags & AUTHENTICATED) !== 0;
  into.demand = (flags & DEMAND) !== 0;
  into.detectMult = bytes[at + 2] as number;
  into.length = said;
  into.yourDiscriminator = readWord(bytes, at + 8);
  into.desiredMinTxUs = readWord(bytes, at + 12);
  into.requiredMinRxUs = readWord(bytes, at + 16);
  into.requiredMinEchoRxUs = readWord(bytes, at + 20);
  return PacketFault.none;
};

/** Writes the mandatory section with `length` in its Length field; the version is 1 and the M bit 0. */
export const writePacket = (packet: ControlPacket, bytes: Uint8Array, at: number): void => {
  bytes[at] = (VERSION << 5) | packet.diagnostic;
  bytes[at + 1] =
    (packet.state << 6) |
    (packet.poll ? POLL : 0) |
    (packet.final ? FINAL : 0) |
    (packet.independent ? INDEPENDENT : 0) |
    (packet.authenticated ? AUTHENTICATED : 0) |
    (packet.demand ? DEMAND : 0);
  bytes[at + 2] = packet.detectMult;
  bytes[at + 3] = packet.length;
  writeWord(bytes, at + 4, packet.myDiscriminator);
  writeWord(bytes, at + 8, packet.yourDiscriminator);
  writeWord(bytes, at + 12, packet.desiredMinTxUs);
  writeWord(bytes, at + 16, packet.requiredMinRxUs);
  writeWord(bytes, at + 20, packet.requiredMinEchoRxUs);
};
