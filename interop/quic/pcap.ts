import { readFileSync } from 'node:fs';
import { UDP_HEADER_BYTES, udpOf, word } from '#lab/link/udp.ts';

/** A UDP datagram that passed one end of a link. */
export type Datagram = {
  /** Microseconds of the link's clock. */
  readonly atUs: number;
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly family: 4 | 6;
  /** Codepoint (RFC 3168 §5). */
  readonly ecn: number;
  /** Of the UDP payload; `payload` may hold its beginning only. */
  readonly bytes: number;
  readonly payload: Uint8Array;
};

const FILE_HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;

const addressesOf = (packet: Uint8Array, family: 4 | 6): [source: string, destination: string] => {
  const [at, bytes] = family === 6 ? [8, 16] : [12, 4];
  const text = (from: number): string => Buffer.from(packet.subarray(from, from + bytes)).toString('hex');
  return [text(at), text(at + bytes)];
};

const datagramOf = (atUs: number, packet: Uint8Array): Datagram | undefined => {
  const udp = udpOf(packet);
  if (udp < 0) return undefined;
  const family = (packet[0] as number) >> 4 === 6 ? 6 : 4;
  const [source, destination] = addressesOf(packet, family);
  return {
    atUs,
    source,
    destination,
    sourcePort: word(packet, udp),
    destinationPort: word(packet, udp + 2),
    family,
    // IPv6: the traffic class lies across two bytes (RFC 8200 §3).
    ecn: (family === 6 ? (packet[1] as number) >> 4 : (packet[1] as number)) & 3,
    bytes: word(packet, udp + 4) - UDP_HEADER_BYTES,
    payload: packet.subarray(udp + UDP_HEADER_BYTES),
  };
};

/** The UDP datagrams of a file that `lab/link/capture.ts` wrote, in order. */
export const readCapture = (file: string): Datagram[] => {
  const bytes = readFileSync(file);
  const all: Datagram[] = [];
  for (let at = FILE_HEADER_BYTES; at + RECORD_HEADER_BYTES <= bytes.length; ) {
    const atUs = bytes.readUInt32LE(at) * 1e6 + bytes.readUInt32LE(at + 4);
    const start = at + RECORD_HEADER_BYTES;
    at = start + bytes.readUInt32LE(at + 8);
    const datagram = datagramOf(atUs, bytes.subarray(start, at));
    if (datagram !== undefined) all.push(datagram);
  }
  return all;
};
