import { FirstPacket } from '#protocol/quic/endpoint/first-packet.ts';
import type { CryptoPort } from '#protocol/quic/ports.ts';
import { isLongHeader, PacketHeader, parseHeader } from '#protocol/quic/wire/packet/header.ts';
import { PacketType } from '#protocol/quic/wire/packet/packet-type.ts';

/**
 * Tells whose choice the connection ID of a packet is that reads like another worker's. Short headers, Handshake and 0-RTT
 * packets with such an ID were answered by a worker. Initial packets are sealed by the first ID of all (RFC 9001 §5.2): what
 * opens by the one that it bears was chosen by the client, unless a token says that a Retry packet told it.
 */
export class ClientChosen {
  readonly #first: FirstPacket;
  readonly #header = new PacketHeader();

  constructor(crypto: CryptoPort) {
    this.#first = new FirstPacket(crypto);
  }

  /** @returns true: nobody else has the connection @param cidBytes of the packet's destination connection ID */
  test(buffer: Uint8Array, start: number, end: number, cidBytes: number): boolean {
    if (!isLongHeader(buffer, start)) return false;
    const header = this.#header;
    if (!parseHeader(buffer, start, end, cidBytes, header, true)) return true;
    switch (header.type) {
      case PacketType.handshake:
      case PacketType.zeroRtt:
        return false;
      case PacketType.initial: {
        if (header.tokenLength > 0) return false;
        const cid = buffer.slice(header.dcidStart, header.dcidStart + header.dcidLength);
        const keys = this.#first.keysOf(buffer, header, cid);
        keys?.opener.close();
        return keys !== undefined;
      }
      default:
        // Other versions, and what no client sends.
        return true;
    }
  }
}
