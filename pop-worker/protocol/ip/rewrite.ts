import { adjust, readWord, writeWord } from './checksum.ts';
import { Fragment, type IpView, Protocol } from './view.ts';

/** Where the upper layer's checksum covers the addresses, or -1 when it does not or is not in this fragment. */
const checksumAt = (buffer: Uint8Array, view: IpView): number => {
  if (view.fragment === Fragment.later) return -1;
  const at = view.payloadAt;
  if (view.protocol === Protocol.tcp) return at + 18 <= view.end ? at + 16 : -1;
  if (view.protocol === Protocol.icmp6) return at + 4 <= view.end ? at + 2 : -1;
  if (view.protocol !== Protocol.udp || at + 8 > view.end) return -1;
  // RFC 768: a zero checksum over IPv4 says that there is none.
  return view.version === 4 && readWord(buffer, at + 6) === 0 ? -1 : at + 6;
};

/**
 * Replaces the source or destination address of a packet and keeps all checksums right (RFC 1624).
 *
 * @param at `view.sourceAt` or `view.destinationAt` @param address 4 or 16 bytes, as the packet's version has them
 */
export const rewriteAddress = (buffer: Uint8Array, view: IpView, at: number, address: Uint8Array): void => {
  const upper = checksumAt(buffer, view);
  const header = view.version === 4 ? view.start + 10 : -1;
  let upperCheck = upper < 0 ? 0 : readWord(buffer, upper);
  let headerCheck = header < 0 ? 0 : readWord(buffer, header);
  for (let i = 0; i < view.addressBytes; i += 2) {
    const before = readWord(buffer, at + i);
    const after = readWord(address, i);
    if (before === after) continue;
    if (upper >= 0) upperCheck = adjust(upperCheck, before, after);
    if (header >= 0) headerCheck = adjust(headerCheck, before, after);
    writeWord(buffer, at + i, after);
  }
  if (header >= 0) writeWord(buffer, header, headerCheck);
  if (upper < 0) return;
  // RFC 768: a computed checksum of zero is sent as all ones.
  writeWord(buffer, upper, view.protocol === Protocol.udp && upperCheck === 0 ? 0xffff : upperCheck);
};

/** Takes one hop off. @returns false when the packet has none left and must not be forwarded (RFC 791, RFC 8200 §3) */
export const decrementHopLimit = (buffer: Uint8Array, view: IpView): boolean => {
  const hops = buffer[view.hopLimitAt] as number;
  if (hops <= 1) return false;
  buffer[view.hopLimitAt] = hops - 1;
  if (view.version === 4) {
    const check = view.start + 10;
    writeWord(buffer, check, adjust(readWord(buffer, check), 0x100, 0));
  }
  return true;
};

const SYN = 0x02;

/**
 * Lowers the maximum segment size that a SYN announces, so that its segments fit the tunnel (RFC 4459 §3.2, RFC 9293 §3.7.1).
 *
 * @param tunnelMtu bytes of the largest inner packet @returns whether it was lowered
 */
export const clampMss = (buffer: Uint8Array, view: IpView, tunnelMtu: number): boolean => {
  if (view.protocol !== Protocol.tcp || view.fragment === Fragment.later) return false;
  const tcp = view.payloadAt;
  if (tcp + 20 > view.end || ((buffer[tcp + 13] as number) & SYN) === 0) return false;
  const headerEnd = tcp + ((buffer[tcp + 12] as number) >>> 4) * 4;
  if (headerEnd > view.end) return false;
  const most = tunnelMtu - (view.version === 4 ? 40 : 60);
  for (let at = tcp + 20; at < headerEnd; ) {
    const kind = buffer[at] as number;
    if (kind === 0) return false;
    if (kind === 1) {
      at++;
      continue;
    }
    const length = at + 1 < headerEnd ? (buffer[at + 1] as number) : 0;
    if (length < 2 || at + length > headerEnd) return false;
    if (kind === 2 && length === 4) return lowerMss(buffer, tcp, at + 2, most);
    at += length;
  }
  return false;
};

const lowerMss = (buffer: Uint8Array, tcp: number, at: number, most: number): boolean => {
  const mss = readWord(buffer, at);
  if (mss <= most) return false;
  // The option may start at an odd offset; then its bytes belong to two words of the checksum.
  const odd = (at - tcp) & 1;
  const word = at - odd;
  const first = readWord(buffer, word);
  const second = odd ? readWord(buffer, word + 2) : 0;
  writeWord(buffer, at, most);
  let check = adjust(readWord(buffer, tcp + 16), first, readWord(buffer, word));
  if (odd) check = adjust(check, second, readWord(buffer, word + 2));
  writeWord(buffer, tcp + 16, check);
  return true;
};
