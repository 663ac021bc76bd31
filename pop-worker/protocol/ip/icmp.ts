import { checksum, pseudoHeaderSum, writeWord } from './checksum.ts';
import { Fragment, type IpView, Protocol } from './view.ts';

/** What an ICMP error says, for both versions at once. */
export const IcmpError = { packetTooBig: 0, hopLimitExceeded: 1, noRoute: 2, prohibited: 3, noHost: 4 } as const;
export type IcmpError = (typeof IcmpError)[keyof typeof IcmpError];

/** [ICMPv4 type, code (RFC 792, RFC 1812 §5.2.7.1), ICMPv6 type, code (RFC 4443 §3)] */
const CODES: readonly (readonly [number, number, number, number])[] = [
  [3, 4, 2, 0],
  [11, 0, 3, 0],
  [3, 0, 1, 0],
  [3, 13, 1, 1],
  [3, 1, 1, 3],
];

/** IPv6 errors fill at most the minimum MTU (RFC 4443 §2.4c), IPv4 ones 576 bytes (RFC 1812 §4.3.2.3). */
const MOST_BYTES = { 4: 576, 6: 1280 } as const;

/** Room that `writeIcmpError` needs in its output. */
export const MAX_ICMP_ERROR_BYTES = 1280;

/** No error about an error, a later fragment, or a source or destination that is no single host (RFC 1122 §3.2.2, RFC 4443 §2.4e). */
export const mayReport = (buffer: Uint8Array, view: IpView): boolean => {
  if (view.fragment === Fragment.later) return false;
  if (view.protocol === Protocol.icmp6 || view.protocol === Protocol.icmp) {
    if (view.payloadAt >= view.end) return false;
    const type = buffer[view.payloadAt] as number;
    if (view.version === 6 ? type < 128 : type !== 0 && type !== 8 && type !== 13 && type !== 14) return false;
  }
  const source = buffer[view.sourceAt] as number;
  const destination = buffer[view.destinationAt] as number;
  if (view.version === 6) return source !== 0xff && destination !== 0xff && !isZero(buffer, view.sourceAt, 16);
  return source !== 0 && source !== 127 && source < 224 && destination < 224;
};

const isZero = (buffer: Uint8Array, at: number, bytes: number): boolean => {
  for (let i = 0; i < bytes; i++) if (buffer[at + i] !== 0) return false;
  return true;
};

/**
 * Writes the ICMP error about a packet, addressed to its source.
 *
 * @param from address of the router that reports, 4 or 16 bytes as the packet's version has them
 * @param mtu next-hop MTU in bytes, for packetTooBig only
 * @returns bytes written at `outAt`, 0 when nothing may be reported
 */
export const writeIcmpError = (
  error: IcmpError,
  buffer: Uint8Array,
  view: IpView,
  from: Uint8Array,
  mtu: number,
  out: Uint8Array,
  outAt: number,
): number => {
  if (!mayReport(buffer, view)) return 0;
  const codes = CODES[error] as readonly [number, number, number, number];
  const headerBytes = view.version === 4 ? 20 : 40;
  const quoted = Math.min(view.end - view.start, MOST_BYTES[view.version] - headerBytes - 8);
  const total = headerBytes + 8 + quoted;
  const icmp = outAt + headerBytes;
  out.fill(0, outAt, icmp + 8);
  out.set(buffer.subarray(view.start, view.start + quoted), icmp + 8);
  out[icmp] = view.version === 4 ? codes[0] : codes[2];
  out[icmp + 1] = view.version === 4 ? codes[1] : codes[3];
  // RFC 1191 §4 puts the MTU into the low half, RFC 4443 §3.2 into all 32 bits.
  if (error === IcmpError.packetTooBig) writeWord(out, icmp + 6, mtu);
  if (view.version === 4) writeHeader4(buffer, view, from, out, outAt, total);
  else writeHeader6(buffer, view, from, out, outAt, total);
  return total;
};

const writeHeader4 = (
  buffer: Uint8Array,
  view: IpView,
  from: Uint8Array,
  out: Uint8Array,
  at: number,
  total: number,
): void => {
  out[at] = 0x45;
  out[at + 1] = 0xc0; // RFC 1812 §4.3.2.5: precedence 6, internetwork control
  writeWord(out, at + 2, total);
  out[at + 8] = 64;
  out[at + 9] = Protocol.icmp;
  out.set(from, at + 12);
  out.set(buffer.subarray(view.sourceAt, view.sourceAt + 4), at + 16);
  writeWord(out, at + 10, checksum(out, at, at + 20));
  writeWord(out, at + 22, checksum(out, at + 20, at + total));
};

const writeHeader6 = (
  buffer: Uint8Array,
  view: IpView,
  from: Uint8Array,
  out: Uint8Array,
  at: number,
  total: number,
): void => {
  out[at] = 0x60;
  writeWord(out, at + 4, total - 40);
  out[at + 6] = Protocol.icmp6;
  out[at + 7] = 64;
  out.set(from, at + 8);
  out.set(buffer.subarray(view.sourceAt, view.sourceAt + 16), at + 24);
  const pseudo = pseudoHeaderSum(out, at + 8, 32, Protocol.icmp6, total - 40);
  writeWord(out, at + 42, checksum(out, at + 40, at + total, pseudo));
};
