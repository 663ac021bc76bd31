import { opensslCrypto } from '#host/tls/crypto-port.ts';
import { CipherSuite, PACKET_WORDS } from '#protocol/quic/ports.ts';
import { PacketType } from '#protocol/quic/wire/packet/packet-type.ts';
import type { Packet, Seen, Trace } from './trace.ts';

/** A piece of a client's first messages. */
export type CryptoPiece = { readonly offset: number; readonly data: Uint8Array };

/** An Initial packet of a client, opened: its keys derive from what is on the wire (RFC 9001 §5.2). */
export type OpenedInitial = {
  readonly packet: Packet;
  readonly packetNumber: number;
  readonly crypto: readonly CryptoPiece[];
};

/** Frames of Initial packets (RFC 9000 §12.4). */
const PADDING = 0;
const PING = 1;
const ACK = 2;
const ACK_ECN = 3;
const CRYPTO = 6;

class Reader {
  at = 0;
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  varint(): number {
    const first = this.bytes[this.at++] ?? 0;
    let value = first & 63;
    for (let left = (1 << (first >> 6)) - 1; left > 0; left--) value = value * 256 + (this.bytes[this.at++] ?? 0);
    return value;
  }

  take(bytes: number): Uint8Array {
    this.at += bytes;
    return this.bytes.subarray(this.at - bytes, this.at);
  }
}

const skipAck = (reader: Reader, ecn: boolean): void => {
  reader.varint();
  reader.varint();
  const ranges = reader.varint();
  for (let left = 1 + 2 * ranges + (ecn ? 3 : 0); left > 0; left--) reader.varint();
};

const cryptoOf = (frames: Uint8Array): CryptoPiece[] => {
  const pieces: CryptoPiece[] = [];
  const reader = new Reader(frames);
  while (reader.at < frames.length) {
    const type = reader.varint();
    if (type === ACK || type === ACK_ECN) skipAck(reader, type === ACK_ECN);
    else if (type === CRYPTO) pieces.push({ offset: reader.varint(), data: reader.take(reader.varint()) });
    else if (type !== PADDING && type !== PING) break;
  }
  return pieces;
};

const openWith = ({ payload }: Seen, packet: Packet, keyCid: string): OpenedInitial | undefined => {
  const { client } = opensslCrypto.initialSecrets(packet.version, Buffer.from(keyCid, 'hex'));
  const opener = opensslCrypto.opener(packet.version, CipherSuite.aes128Gcm, client);
  // A Buffer's slice would be no copy.
  const bytes = Uint8Array.from(payload.subarray(packet.start, packet.end));
  const descriptor = new Int32Array(PACKET_WORDS);
  descriptor.set([0, packet.packetNumberAt - packet.start, bytes.length]);
  const numbers = new Float64Array(1);
  if (opener.open(bytes, descriptor, numbers, 1, -1) !== 1) return undefined;
  const [, header = 0, length = 0] = descriptor;
  return { packet, packetNumber: numbers[0] as number, crypto: cryptoOf(bytes.subarray(header, header + length)) };
};

/** The client's Initial packets that can be opened, in order. */
export const openInitials = (trace: Trace): OpenedInitial[] => {
  const keyCids = new Set<string>();
  const opened: OpenedInitial[] = [];
  for (const seen of trace.from('client')) {
    for (const packet of seen.packets) {
      if (packet.type !== PacketType.initial) continue;
      keyCids.add(packet.dcid);
      // The newest first: after Retry its keys are the ones.
      for (const keyCid of [...keyCids].toReversed()) {
        const one = openWith(seen, packet, keyCid);
        if (one !== undefined) opened.push(one);
        if (one !== undefined) break;
      }
    }
  }
  return opened;
};

const MESSAGE_HEADER_BYTES = 4;

/** A message beyond the first one: another ClientHello, for a server that wanted another key share (RFC 8446 §4.1.2). */
export const hasSecondHello = (initials: readonly OpenedInitial[]): boolean => {
  const pieces = initials.flatMap(({ crypto }) => crypto);
  const start = pieces.find(({ offset, data }) => offset === 0 && data.length >= MESSAGE_HEADER_BYTES)?.data;
  if (start === undefined) return false;
  const first = MESSAGE_HEADER_BYTES + Buffer.from(start).readUIntBE(1, 3);
  return pieces.some(({ offset, data }) => offset + data.length > first);
};

const CIPHER_SUITES_BEHIND = 4 + 2 + 32;

/** Cipher suites that the first ClientHello offers, those that mean nothing (RFC 8701) left out. */
export const offeredSuites = (initials: readonly OpenedInitial[]): number[] => {
  const hello = Buffer.alloc(1 << 16);
  for (const { data, offset } of initials.flatMap(({ crypto }) => crypto)) hello.set(data, offset);
  const at = CIPHER_SUITES_BEHIND + 1 + hello.readUInt8(CIPHER_SUITES_BEHIND);
  const suites = Array.from({ length: hello.readUInt16BE(at) / 2 }, (_, i) => hello.readUInt16BE(at + 2 + 2 * i));
  return suites.filter((suite) => (suite & 0x0f0f) !== 0x0a0a);
};
