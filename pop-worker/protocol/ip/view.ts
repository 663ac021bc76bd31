import { checksum, readWord } from './checksum.ts';

/** IP protocol numbers that forwarding looks into. */
export const Protocol = {
  hopByHop: 0,
  icmp: 1,
  tcp: 6,
  udp: 17,
  routing: 43,
  fragment: 44,
  icmp6: 58,
  options: 60,
} as const;

/** Why a packet cannot be forwarded; 0 is none. The names are the labels of the drop counters. */
export const IpFault = {
  none: 0,
  truncated: 1,
  version: 2,
  headerLength: 3,
  totalLength: 4,
  headerChecksum: 5,
  extensionHeader: 6,
} as const;
export type IpFault = (typeof IpFault)[keyof typeof IpFault];

/** Which part of a datagram a packet carries. */
export const Fragment = { none: 0, first: 1, later: 2 } as const;
export type Fragment = (typeof Fragment)[keyof typeof Fragment];

/** At most so many IPv6 extension headers are walked; more is a fault. */
export const MAX_EXTENSION_HEADERS = 8;

/** What forwarding needs to know of one packet, as offsets into a lent buffer. Reused: `parse` overwrites all of it. */
export class IpView {
  version: 4 | 6 = 4;
  start = 0;
  end = 0;
  sourceAt = 0;
  destinationAt = 0;
  /** Bytes of one address: 4 or 16. */
  addressBytes = 4;
  hopLimitAt = 0;
  /** Upper-layer protocol behind all extension headers. */
  protocol = 0;
  /** First byte of the upper layer. */
  payloadAt = 0;
  fragment: Fragment = Fragment.none;
  dontFragment = false;

  /** Reads and checks the header of the packet in [start, end), which must be exactly one packet. */
  parse(buffer: Uint8Array, start: number, end: number): IpFault {
    this.start = start;
    this.end = end;
    if (end - start < 20) return IpFault.truncated;
    const version = (buffer[start] as number) >>> 4;
    if (version === 4) return this.#parse4(buffer, start, end);
    if (version === 6) return this.#parse6(buffer, start, end);
    return IpFault.version;
  }

  /** RFC 791 §3.1; RFC 1812 §5.2.2 for what a router must check. */
  #parse4(buffer: Uint8Array, start: number, end: number): IpFault {
    const headerBytes = ((buffer[start] as number) & 0x0f) * 4;
    if (headerBytes < 20) return IpFault.headerLength;
    if (start + headerBytes > end) return IpFault.truncated;
    if (readWord(buffer, start + 2) !== end - start) return IpFault.totalLength;
    if (checksum(buffer, start, start + headerBytes) !== 0) return IpFault.headerChecksum;
    const fragment = readWord(buffer, start + 6);
    this.version = 4;
    this.addressBytes = 4;
    this.sourceAt = start + 12;
    this.destinationAt = start + 16;
    this.hopLimitAt = start + 8;
    this.protocol = buffer[start + 9] as number;
    this.payloadAt = start + headerBytes;
    this.dontFragment = (fragment & 0x4000) !== 0;
    this.fragment =
      (fragment & 0x1fff) !== 0 ? Fragment.later : (fragment & 0x2000) !== 0 ? Fragment.first : Fragment.none;
    return IpFault.none;
  }

  /** RFC 8200 §3, §4. Jumbograms (RFC 2675) are not forwarded: their payload length is 0. */
  #parse6(buffer: Uint8Array, start: number, end: number): IpFault {
    if (end - start < 40) return IpFault.truncated;
    if (readWord(buffer, start + 4) !== end - start - 40) return IpFault.totalLength;
    this.version = 6;
    this.addressBytes = 16;
    this.sourceAt = start + 8;
    this.destinationAt = start + 24;
    this.hopLimitAt = start + 7;
    this.dontFragment = true;
    this.fragment = Fragment.none;
    return this.#walkExtensions(buffer, buffer[start + 6] as number, start + 40, end);
  }

  #walkExtensions(buffer: Uint8Array, first: number, from: number, end: number): IpFault {
    let protocol = first;
    let at = from;
    for (let i = 0; ; i++) {
      const isOptions = protocol === Protocol.hopByHop || protocol === Protocol.options;
      if (!isOptions && protocol !== Protocol.routing && protocol !== Protocol.fragment) break;
      if (i === MAX_EXTENSION_HEADERS || at + 8 > end) return IpFault.extensionHeader;
      if (protocol === Protocol.hopByHop && i > 0) return IpFault.extensionHeader;
      // RFC 5095: type 0 routing headers are refused.
      if (protocol === Protocol.routing && buffer[at + 2] === 0) return IpFault.extensionHeader;
      let bytes = ((buffer[at + 1] as number) + 1) * 8;
      if (protocol === Protocol.fragment) {
        bytes = 8;
        const field = readWord(buffer, at + 2);
        this.fragment = field >>> 3 !== 0 ? Fragment.later : (field & 1) !== 0 ? Fragment.first : this.fragment;
      }
      protocol = buffer[at] as number;
      at += bytes;
      if (at > end) return IpFault.extensionHeader;
      if (this.fragment === Fragment.later) break;
    }
    this.protocol = protocol;
    this.payloadAt = at;
    return IpFault.none;
  }
}
