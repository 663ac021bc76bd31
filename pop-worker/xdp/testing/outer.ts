import type { PacketOptions } from '#protocol/ip/testing/packets.ts';
import { OWN } from './balanced.ts';
import { bytes, changed, ethernet, ip, word } from './frames.ts';

const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const GUE_PORT = 6080;

/** The IP packet of a frame without tags, as long as it says. */
export const packetOf = (frame: Uint8Array): Uint8Array => {
  const inner = frame.subarray(14);
  const isV4 = (inner[0] as number) >>> 4 === 4;
  const [high, low] = isV4 ? [inner[2], inner[3]] : [inner[4], inner[5]];
  return inner.subarray(0, (isV4 ? 0 : 40) + 256 * (high as number) + (low as number));
};

/** Of the next hop for an address: as `hopTo` has it. */
export const linkTo = (last: number): Uint8Array => bytes([0x02, 0, 0, 0, 1, last], OWN);

/** The same frame from another link-layer address to another. */
export const relinked = (frame: Uint8Array, last: number): Uint8Array => bytes(linkTo(last), frame.subarray(12));

export interface OuterOptions {
  readonly source: string;
  readonly destination: string;
  /** Last byte of the next hop's link-layer address. */
  readonly last: number;
  readonly mayCut?: boolean;
  readonly traffic?: number;
  /** Of IPv6. */
  readonly label?: number;
  /** Of UDP; undefined: IP in IP. */
  readonly sourcePort?: number;
}

const udpAround = (inner: Uint8Array, port: number): Uint8Array =>
  bytes(word(port), word(GUE_PORT), word(8 + inner.length), [0, 0], inner);

const outerV4 = (inner: Uint8Array, protocol: number, options: OuterOptions): Uint8Array => {
  const { source, destination, mayCut = false, traffic = 0 } = options;
  const packet: PacketOptions = { source, destination, protocol: 253, payload: inner, id: 0, hopLimit: 64 };
  const frame = ip({ ...packet, fragmentField: mayCut ? 0 : 0x4000 });
  return withChecksum(changed(frame, { 1: traffic, 9: protocol }));
};

const withChecksum = (frame: Uint8Array): Uint8Array => {
  const cleared = changed(frame, { 10: [0, 0] });
  let sum = 0;
  for (let at = 14; at < 34; at += 2) sum += 256 * (cleared[at] as number) + (cleared[at + 1] as number);
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  return changed(cleared, { 10: word(~sum & 0xffff) });
};

const outerV6 = (inner: Uint8Array, protocol: number, options: OuterOptions): Uint8Array => {
  const { source, destination, traffic = 0, label = 0 } = options;
  const frame = ip({ source, destination, protocol: 253, payload: inner, hopLimit: 64 });
  const first = [0x60 | (traffic >>> 4), ((traffic & 15) << 4) | (label >>> 16), (label >>> 8) & 255, label & 255];
  return changed(frame, { 0: first, 6: protocol });
};

/** What a packet is in front of its backend. */
export const outer = (inner: Uint8Array, options: OuterOptions): Uint8Array => {
  const isV4 = (inner[0] as number) >>> 4 === 4;
  const payload = options.sourcePort === undefined ? inner : udpAround(inner, options.sourcePort);
  const protocol = options.sourcePort === undefined ? (isV4 ? 4 : 41) : 17;
  const isOuterV6 = options.destination.includes(':');
  const frame = isOuterV6 ? outerV6(payload, protocol, options) : outerV4(payload, protocol, options);
  return bytes(linkTo(options.last), ethernet(isOuterV6 ? IPV6 : IPV4, frame.subarray(14)).subarray(12));
};
