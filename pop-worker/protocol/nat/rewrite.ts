import { readWord, writeWord } from '#protocol/ip/checksum.ts';
import { Fragment, type IpView, Protocol } from '#protocol/ip/view.ts';

export const readAddress = (buffer: Uint8Array, at: number): number =>
  (((buffer[at] as number) << 24) |
    ((buffer[at + 1] as number) << 16) |
    ((buffer[at + 2] as number) << 8) |
    (buffer[at + 3] as number)) >>>
  0;

const writeAddress = (buffer: Uint8Array, at: number, address: number): void => {
  buffer[at] = address >>> 24;
  buffer[at + 1] = address >>> 16;
  buffer[at + 2] = address >>> 8;
  buffer[at + 3] = address;
};

/** What a sum of words grows by when words change (RFC 1624 §3, equation 3); not folded. */
const change = (before: number, after: number): number => (~before & 0xffff) + after;
const changeOfAddress = (before: number, after: number): number =>
  change(before >>> 16, after >>> 16) + change(before & 0xffff, after & 0xffff);

/** A checksum after words under it changed. @param delta of few words: the carries of two folds are all that there are */
const adjusted = (check: number, delta: number): number => {
  const sum = (~check & 0xffff) + delta;
  const once = (sum & 0xffff) + (sum >>> 16);
  return ~((once & 0xffff) + (once >>> 16)) & 0xffff;
};

const adjustAt = (buffer: Uint8Array, at: number, delta: number): void =>
  writeWord(buffer, at, adjusted(readWord(buffer, at), delta));

/** RFC 768: a checksum of zero says that there is none; one that comes to zero is sent as all ones. */
const adjustUdp = (buffer: Uint8Array, at: number, delta: number): void => {
  const check = readWord(buffer, at);
  if (check !== 0) writeWord(buffer, at, adjusted(check, delta) || 0xffff);
};

/**
 * Puts another address and port at one end of a packet, and keeps its checksums right.
 *
 * @param addressAt `view.sourceAt` or `view.destinationAt` @param portAt of the port or identifier; -1: a later fragment, which has none
 */
export const replaceEndpoint = (
  buffer: Uint8Array,
  view: IpView,
  addressAt: number,
  address: number,
  portAt: number,
  port: number,
): void => {
  const ofAddress = changeOfAddress(readAddress(buffer, addressAt), address);
  writeAddress(buffer, addressAt, address);
  adjustAt(buffer, view.start + 10, ofAddress);
  if (portAt < 0 || view.fragment === Fragment.later) return;
  const ofPort = change(readWord(buffer, portAt), port);
  writeWord(buffer, portAt, port);
  const at = view.payloadAt;
  if (view.protocol === Protocol.tcp) adjustAt(buffer, at + 16, ofAddress + ofPort);
  else if (view.protocol === Protocol.udp) adjustUdp(buffer, at + 6, ofAddress + ofPort);
  // No pseudo-header under ICMP's.
  else adjustAt(buffer, at + 2, ofPort);
};

/** Another address, in a packet whose upper layer's checksum does not cover it: ICMP, or a later fragment. */
export const replaceAddress = (buffer: Uint8Array, view: IpView, addressAt: number, address: number): void =>
  replaceEndpoint(buffer, view, addressAt, address, -1, 0);

const ICMP_HEADER_BYTES = 8;
/** RFC 792: an error quotes the header and 64 bits behind it. */
const QUOTED_BYTES = 8;

/** The packet that an ICMP error quotes; filled again for each. */
export class Quote {
  protocol = 0;
  /** Address and port (or identifier) at both ends, and where they lie. */
  sourceAt = 0;
  destinationAt = 0;
  source = 0;
  destination = 0;
  sourcePort = 0;
  destinationPort = 0;
  #sourcePortAt = 0;
  #destinationPortAt = 0;
  #start = 0;
  #upper = 0;
  #end = 0;
  #icmp = 0;

  /** @param view an ICMP error @returns false when what it quotes tells nobody whose it is */
  parse(buffer: Uint8Array, { payloadAt, end }: IpView): boolean {
    const start = payloadAt + ICMP_HEADER_BYTES;
    if (start + 20 > end) return false;
    const first = buffer[start] as number;
    const upper = start + (first & 15) * 4;
    if (first >>> 4 !== 4 || upper < start + 20 || upper + QUOTED_BYTES > end) return false;
    // Later fragments have no ports.
    if ((readWord(buffer, start + 6) & 0x1fff) !== 0) return false;
    this.protocol = buffer[start + 9] as number;
    if (this.protocol === Protocol.icmp) {
      const type = buffer[upper] as number;
      if (type !== 0 && type !== 8) return false;
      this.#sourcePortAt = upper + 4;
      this.#destinationPortAt = upper + 4;
    } else if (this.protocol === Protocol.tcp || this.protocol === Protocol.udp) {
      this.#sourcePortAt = upper;
      this.#destinationPortAt = upper + 2;
    } else return false;
    this.#icmp = payloadAt;
    this.#start = start;
    this.#upper = upper;
    this.#end = end;
    this.sourceAt = start + 12;
    this.destinationAt = start + 16;
    this.source = readAddress(buffer, start + 12);
    this.destination = readAddress(buffer, start + 16);
    this.sourcePort = readWord(buffer, this.#sourcePortAt);
    this.destinationPort = readWord(buffer, this.#destinationPortAt);
    return true;
  }

  /** As `replaceEndpoint`, in the quoted packet, with its checksums as far as they are quoted, and that of the ICMP message. */
  replace(buffer: Uint8Array, isSource: boolean, address: number, port: number): void {
    const addressAt = isSource ? this.sourceAt : this.destinationAt;
    const portAt = isSource ? this.#sourcePortAt : this.#destinationPortAt;
    const ofAddress = changeOfAddress(readAddress(buffer, addressAt), address);
    const ofPort = change(readWord(buffer, portAt), port);
    writeAddress(buffer, addressAt, address);
    writeWord(buffer, portAt, port);
    const header = this.#start + 10;
    const headerBefore = readWord(buffer, header);
    adjustAt(buffer, header, ofAddress);
    const upper = this.#checksumAt();
    const upperBefore = upper < 0 ? 0 : readWord(buffer, upper);
    if (this.protocol === Protocol.udp && upper >= 0) adjustUdp(buffer, upper, ofAddress + ofPort);
    else if (upper >= 0) adjustAt(buffer, upper, this.protocol === Protocol.tcp ? ofAddress + ofPort : ofPort);
    const ofChecks =
      change(headerBefore, readWord(buffer, header)) + (upper < 0 ? 0 : change(upperBefore, readWord(buffer, upper)));
    adjustAt(buffer, this.#icmp + 2, ofAddress + ofPort + ofChecks);
  }

  #checksumAt(): number {
    const offset = this.protocol === Protocol.tcp ? 16 : this.protocol === Protocol.udp ? 6 : 2;
    const at = this.#upper + offset;
    return at + 2 <= this.#end ? at : -1;
  }
}
