import { payloadAt, setUdpWord, UDP_HEADER_BYTES, udpOf, word } from './udp.ts';

/** What a link does wrong; the network simulator of the QUIC interop runner has the same knobs. */
export interface FaultSpec {
  /** Share of packets that vanish, and of those in which something is changed. */
  readonly drop?: number;
  readonly corrupt?: number;
  /** Packets that vanish, or are changed, in a row at most; absent: any number. */
  readonly burst?: number;
  /** UDP packets that vanish by their place, the first is 1. */
  readonly dropNth?: readonly number[];
}

/** Among the first bytes of a UDP payload one is changed: headers of QUIC are hit often. */
const CORRUPTED_BYTES = 51;

/** QUIC Version Negotiation (RFC 8999 §6): nothing protects it, so a change is another message and no corruption. */
const isVersionNegotiation = (packet: Uint8Array, payload: number): boolean =>
  packet.length >= payload + 5 &&
  ((packet[payload] as number) & 0x80) !== 0 &&
  word(packet, payload + 1) === 0 &&
  word(packet, payload + 3) === 0;

/** Decides what becomes of each packet of one direction. */
export class Faults {
  /** Packets that vanished, and that were changed. */
  dropped = 0;
  corrupted = 0;
  readonly #random: () => number;
  #inRow = 0;
  #datagrams = 0;

  /** @param random uniform in [0, 1) */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** @returns whether the packet vanishes */
  drops(packet: Uint8Array, { drop = 0, burst, dropNth }: FaultSpec): boolean {
    if (udpOf(packet) >= 0) this.#datagrams++;
    const listed = dropNth?.includes(this.#datagrams) ?? false;
    if (!listed && !(drop > 0 && this.#strikes(drop, burst))) return false;
    this.dropped++;
    return true;
  }

  /** Changes a share of packets in place. */
  corrupts(packet: Uint8Array, { corrupt = 0, burst }: FaultSpec): void {
    if (corrupt <= 0) return;
    const udp = udpOf(packet);
    if (udp >= 0 && isVersionNegotiation(packet, udp + UDP_HEADER_BYTES)) return;
    if (!this.#strikes(corrupt, burst)) return;
    if (udp >= 0) this.#changeByte(packet, udp);
    else this.#turnBit(packet);
  }

  #strikes(share: number, burst = Number.POSITIVE_INFINITY): boolean {
    const strikes = this.#inRow < burst && this.#random() < share;
    this.#inRow = strikes ? this.#inRow + 1 : 0;
    return strikes;
  }

  /** With a checksum that is right all the same, or the kernel would drop it before QUIC sees it. */
  #changeByte(packet: Uint8Array, udp: number): void {
    const payload = udp + UDP_HEADER_BYTES;
    const room = Math.min(CORRUPTED_BYTES, packet.length - payload);
    if (room <= 0) return;
    const place = Math.floor(this.#random() * room);
    const flip = 1 + Math.floor(this.#random() * 255);
    const at = payload + place - (place & 1);
    // A lone last byte has no other half.
    if (at + 1 >= packet.length) return;
    setUdpWord(packet, udp, at, word(packet, at) ^ (place & 1 ? flip : flip << 8));
    this.corrupted++;
  }

  /** Behind the IP header, which the kernel would drop otherwise. */
  #turnBit(packet: Uint8Array): void {
    const header = payloadAt(packet);
    if (packet.length <= header) return;
    const at = header + Math.floor(this.#random() * (packet.length - header));
    packet[at] = (packet[at] as number) ^ (1 << Math.floor(this.#random() * 8));
    this.corrupted++;
  }
}
