import type { Connection } from '../connection.ts';
import { SPACE_OF_LEVEL } from '../handshake.ts';
import { CipherSuite, type CryptoPort, Level, type PacketSealer, TAG_BYTES } from '../ports.ts';
import { Space } from '../recovery/recovery.ts';
import { patchLength, writeLongHeader } from '../wire/packet/long.ts';
import { packetNumberBytes } from '../wire/packet/number.ts';
import { type LongPacketType, PacketType } from '../wire/packet/packet-type.ts';
import { writeShortHeader } from '../wire/packet/short.ts';
import { Version } from '../wire/packet/version.ts';
import { writeVarint } from '../wire/varint.ts';
import type { SeededRandom } from './random.ts';

/**
 * A 1-RTT packet with any payload, sealed by the keys of this connection as if it had sent it.
 *
 * @param bits set in its first byte besides
 * @param number instead of the next one; the connection knows nothing of it then
 */
export const sealedPacket = (from: Connection, payload: Uint8Array, bits = 0, number?: number): Uint8Array => {
  const { keys, recovery, peerCids, spaces } = from.parts;
  const log = recovery.sent(Space.application);
  const packetNumber = number ?? log.nextPacketNumber;
  const dcid = peerCids.cidOf(0) ?? new Uint8Array();
  const numberBytes =
    number === undefined ? packetNumberBytes(packetNumber, spaces[Space.application].largestAcked) : 4;
  const header = 1 + dcid.length + numberBytes;
  const padded = Math.max(payload.length, 4);
  const packet = new Uint8Array(header + padded + TAG_BYTES);
  writeShortHeader(packet, 0, dcid, false, keys.phase, packetNumber, numberBytes);
  packet[0] = (packet[0] as number) | bits;
  // Padding comes first: what the payload cuts off stays cut off.
  packet.set(payload, header + padded - payload.length);
  if (number === undefined) {
    log.begin(packetNumber);
    recovery.onPacketSent(Space.application, 0, packet.length, 0);
  }
  const descriptor = Int32Array.of(0, header, padded, 0);
  keys.sealer(Level.oneRtt)?.seal(packet, descriptor, Float64Array.of(packetNumber), 1);
  return packet;
};

export interface LongChange {
  readonly scid?: Uint8Array;
  readonly token?: Uint8Array;
  /** Instead of the keys of the connection at that level. */
  readonly sealer?: PacketSealer;
}

/** A long header packet of this connection, with any payload behind padding and, if wanted, other fields; 1200 bytes. */
export const sealedLong = (from: Connection, level: LongPacketType, payload: Uint8Array, change: LongChange = {}) => {
  const { keys, recovery, peerCids, handshake, version } = from.parts;
  const { scid = handshake.scid, token = new Uint8Array(), sealer = keys.sealer(level) } = change;
  const log = recovery.sent(SPACE_OF_LEVEL[level]);
  const packetNumber = log.nextPacketNumber;
  const packet = new Uint8Array(1200);
  const dcid = peerCids.cidOf(0) ?? new Uint8Array();
  const start = writeLongHeader(packet, 0, level, version, dcid, scid, token, packetNumber, 4);
  packet.set(payload, packet.length - TAG_BYTES - payload.length);
  patchLength(packet, start, 4, packet.length);
  log.begin(packetNumber);
  recovery.onPacketSent(SPACE_OF_LEVEL[level], 0, packet.length, 0);
  const descriptor = Int32Array.of(0, start, packet.length - start - TAG_BYTES, 0);
  sealer?.seal(packet, descriptor, Float64Array.of(packetNumber), 1);
  return packet;
};

export interface FirstInitial {
  readonly packetNumber?: number;
  readonly bytes?: number;
  /** Frames in front of the padding; PING unless something else is said. */
  readonly payload?: Uint8Array;
}

/** An authentic Initial packet of a client that nobody knows. @param dcid the connection ID that it picks for the server */
export const firstInitial = (crypto: CryptoPort, dcid: Uint8Array, change: FirstInitial = {}): Uint8Array => {
  const { packetNumber = 0, bytes = 1200, payload = Uint8Array.of(1) } = change;
  const packet = new Uint8Array(bytes);
  const scid = Uint8Array.of(1, 2, 3, 4);
  const none = new Uint8Array();
  const start = writeLongHeader(packet, 0, PacketType.initial, Version.v1, dcid, scid, none, packetNumber, 4);
  packet.set(payload, start);
  patchLength(packet, start, 4, bytes);
  const sealer = crypto.sealer(Version.v1, CipherSuite.aes128Gcm, crypto.initialSecrets(Version.v1, dcid).client);
  sealer.seal(packet, Int32Array.of(0, start, bytes - start - TAG_BYTES, 0), Float64Array.of(packetNumber), 1);
  return packet;
};

const MAX_PAYLOAD = 1100;

/** Frames with plausible types and fields, some of them absurd; the last one may be cut off. */
export const randomFrames = (random: SeededRandom): Uint8Array => {
  const out = new Uint8Array(MAX_PAYLOAD);
  const number = (): number => {
    const kind = random.below(8);
    if (kind < 4) return random.below(64);
    if (kind < 6) return random.below(100_000);
    return kind === 6 ? random.below(2 ** 32) : 2 ** (31 + random.below(31)) - 1;
  };
  let at = 0;
  for (let frames = 1 + random.below(20); frames > 0 && at < MAX_PAYLOAD - 200; frames--) {
    out[at++] = random.below(10) === 0 ? random.below(64) : random.below(0x20);
    for (let fields = random.below(6); fields > 0; fields--) at = writeVarint(out, at, number());
    for (let bytes = random.below(40); bytes > 0; bytes--) out[at++] = random.below(256);
  }
  return out.subarray(0, at);
};
