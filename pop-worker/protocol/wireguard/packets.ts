import { packetLength } from './allowed-ips.ts';
import { ecnInside } from './ecn.ts';
import { LEAST_TRANSPORT_BYTES, paddedLength } from './wire/transport.ts';

/** Words of one packet for the tunnel, the same as those in which a TUN hands it over (virtio 1.2 §5.1.6). */
export const IN_WORDS = 8;
export const IN_OFFSET = 0;
export const IN_LENGTH = 1;
/** Bit 0: the checksum is to be completed. */
export const IN_FLAGS = 2;
export const IN_GSO_TYPE = 3;
// Word 4 is hdr_len.
export const IN_GSO_SIZE = 5;
export const IN_CSUM_START = 6;
export const IN_CSUM_OFFSET = 7;

const NEEDS_CHECKSUM = 1;
const TCP = new Set([1, 4]);
const UDP = 5;
/** A bit on top of the types. */
const GSO_ECN = 0x80;
/** No IP and TCP header together are longer. */
const MOST_HEADER_BYTES = 1024;

/** IP packets for the tunnel. They must not change until `poll` has said that nothing is left. */
export interface Packets {
  readonly buffer: Uint8Array;
  /** `IN_WORDS` each. */
  readonly words: Int32Array;
  readonly count: number;
  /** Number of the peer of each, where the caller routes (`WireGuardOptions.isRoutedByCaller`). */
  readonly peers?: Int32Array;
}

/** What one packet becomes: as many messages as it has segments. Read anew for each. */
export class Shape {
  at = 0;
  length = 0;
  /** Its ECN codepoint, which its messages have as well (RFC 6040 §4.1). */
  ecn = 0;
  needsChecksum = false;
  isTcp = false;
  upper = 0;
  checksum = 0;
  /** Bytes of headers, and of content of each segment; the latter 0 where it is not cut. */
  header = 0;
  segment = 0;
  /** Messages, the bytes of each but the last, and of all. */
  messages = 1;
  messageBytes = 0;
  totalBytes = 0;

  /** @returns false: it is no IP packet, or has no such headers as it says */
  read({ buffer, words }: Packets, index: number, mtu: number): boolean {
    const word = index * IN_WORDS;
    this.at = words[word + IN_OFFSET] as number;
    this.length = words[word + IN_LENGTH] as number;
    if (packetLength(buffer, this.at, this.length) === 0) return false;
    this.ecn = ecnInside(buffer, this.at);
    const gso = (words[word + IN_GSO_TYPE] as number) & ~GSO_ECN;
    this.needsChecksum = ((words[word + IN_FLAGS] as number) & NEEDS_CHECKSUM) !== 0;
    this.upper = words[word + IN_CSUM_START] as number;
    this.checksum = words[word + IN_CSUM_OFFSET] as number;
    if (this.needsChecksum && this.upper + this.checksum + 2 > this.length) return false;
    this.segment = 0;
    if (gso !== 0 && !this.#readSegments(buffer, gso, words[word + IN_GSO_SIZE] as number)) return false;
    this.#measure(mtu);
    return true;
  }

  /** A keepalive, or a packet that is whole. */
  whole(length: number, mtu: number): void {
    this.at = 0;
    this.ecn = 0;
    this.length = length;
    this.needsChecksum = false;
    this.segment = 0;
    this.#measure(mtu);
  }

  #readSegments(buffer: Uint8Array, gso: number, segment: number): boolean {
    const isV6 = (buffer[this.at] as number) >>> 4 === 6;
    this.isTcp = TCP.has(gso);
    // With segments there is always a checksum to complete, and so it is known where the TCP or UDP header begins.
    if ((!this.isTcp && gso !== UDP) || !this.needsChecksum || segment < 1 || this.upper < (isV6 ? 40 : 20))
      return false;
    const least = this.isTcp ? 20 : 8;
    if (this.upper + least >= this.length) return false;
    const own = this.isTcp ? ((buffer[this.at + this.upper + 12] as number) >>> 4) * 4 : 8;
    this.header = this.upper + own;
    if (own < least || this.header >= this.length || this.header > MOST_HEADER_BYTES) return false;
    if (this.header + segment < this.length) this.segment = segment;
    return true;
  }

  #measure(mtu: number): void {
    if (this.segment === 0) {
      this.messages = 1;
      this.messageBytes = messageBytes(this.length, mtu);
      this.totalBytes = this.messageBytes;
      return;
    }
    const content = this.length - this.header;
    const rest = content % this.segment;
    const whole = (content - rest) / this.segment;
    this.messages = rest === 0 ? whole : whole + 1;
    this.messageBytes = messageBytes(this.header + this.segment, mtu);
    this.totalBytes = whole * this.messageBytes + (rest === 0 ? 0 : messageBytes(this.header + rest, mtu));
  }
}

const messageBytes = (length: number, mtu: number): number => paddedLength(length, mtu) + LEAST_TRANSPORT_BYTES;
