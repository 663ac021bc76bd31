import { PacketHeader, parseHeader } from '#protocol/quic/wire/packet/header.ts';
import { PacketType } from '#protocol/quic/wire/packet/packet-type.ts';
import { type Datagram, readCapture } from './pcap.ts';

/** One packet of QUIC, as anybody on the way can read it. */
export type Packet = {
  readonly type: PacketType;
  /** 0: a short header has none. */
  readonly version: number;
  /** In hexadecimal; that of a short header is not told from what follows: see `shortDcid`. */
  readonly dcid: string;
  readonly scid: string;
  readonly token: string;
  /** Of the whole packet. */
  readonly bytes: number;
  /** Of what is protected: packet number, frames and tag. */
  readonly protectedBytes: number;
  /** Where the packet number begins, in `payload` of its datagram. */
  readonly start: number;
  readonly packetNumberAt: number;
  readonly end: number;
};

export type Seen = Datagram & { readonly fromClient: boolean; readonly packets: readonly Packet[] };

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const packetsOf = ({ payload, bytes }: Datagram): Packet[] => {
  const header = new PacketHeader();
  const packets: Packet[] = [];
  for (let at = 0; at < payload.length; ) {
    // Padding behind the last packet of a datagram.
    if (payload[at] === 0 || !parseHeader(payload, at, payload.length, 0, header, true)) break;
    const isShort = header.type === PacketType.oneRtt;
    // The capture may have cut what lies behind a short header.
    const end = isShort ? bytes : header.end;
    packets.push({
      type: header.type,
      version: header.version,
      dcid: hex(payload.subarray(header.dcidStart, header.dcidStart + header.dcidLength)),
      scid: hex(payload.subarray(header.scidStart, header.scidStart + header.scidLength)),
      token: hex(payload.subarray(header.tokenStart, header.tokenStart + header.tokenLength)),
      bytes: end - at,
      protectedBytes: end - header.packetNumberAt,
      start: at,
      packetNumberAt: header.packetNumberAt,
      end,
    });
    at = end;
  }
  return packets;
};

/** The Destination Connection ID of a short header, when it has this many bytes. */
export const shortDcid = ({ payload }: Datagram, { start }: Packet, bytes: number): string =>
  hex(payload.subarray(start + 1, start + 1 + bytes));

/** What one end of the link saw of the server that listens at this port. */
export class Trace {
  readonly all: readonly Seen[];

  constructor(file: string, serverPort: number) {
    this.all = readCapture(file)
      .filter(({ sourcePort, destinationPort }) => [sourcePort, destinationPort].includes(serverPort))
      .map((datagram) => ({
        ...datagram,
        fromClient: datagram.destinationPort === serverPort,
        packets: packetsOf(datagram),
      }));
  }

  from(side: 'client' | 'server'): Seen[] {
    return this.all.filter(({ fromClient }) => fromClient === (side === 'client'));
  }

  packets(side: 'client' | 'server', type: PacketType): Packet[] {
    return this.from(side).flatMap(({ packets }) => packets.filter((packet) => packet.type === type));
  }
}
