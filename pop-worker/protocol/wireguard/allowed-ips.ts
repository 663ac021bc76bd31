import { NO_ROUTE, PrefixTable } from '#protocol/ip/prefix-table.ts';
import { formatIpAddress, type Prefix } from '#protocol/ip/text.ts';

/** Where addresses lie in a packet, and the least bytes of its header. */
const V4 = { source: 12, destination: 16, header: 20 };
const V6 = { source: 8, destination: 24, header: 40 };

/** @returns bytes of the IP packet at the start of `length` bytes, the rest being padding, or 0 when it is none */
export const packetLength = (bytes: Uint8Array, at: number, length: number): number => {
  const version = length === 0 ? 0 : (bytes[at] as number) >>> 4;
  if (version === 4 && length >= V4.header) {
    const total = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    return total < V4.header || total > length ? 0 : total;
  }
  if (version === 6 && length >= V6.header) {
    const total = V6.header + (((bytes[at + 4] as number) << 8) | (bytes[at + 5] as number));
    return total > length ? 0 : total;
  }
  return 0;
};

/** Cryptokey routing (paper §2): which peer has an address, for what goes out as for what comes in. */
export class AllowedIps {
  readonly #tables = { 4: new PrefixTable(4), 16: new PrefixTable(16) };
  /** Of each peer, by their texts. */
  readonly #ofPeer = new Map<number, Map<string, Prefix>>();

  of(peer: number): readonly Prefix[] {
    return [...(this.#ofPeer.get(peer)?.values() ?? [])];
  }

  /** A prefix that another peer has becomes this one's. Bits behind its length are not looked at. */
  add(peer: number, prefix: Prefix): void {
    const masked = { address: mask(prefix), length: prefix.length };
    const table = this.#tables[masked.address.length as 4 | 16];
    const text = keyOf(masked);
    const before = table.get(masked.address, masked.length);
    if (before !== NO_ROUTE) this.#ofPeer.get(before)?.delete(text);
    table.set(masked.address, masked.length, peer);
    const prefixes = this.#ofPeer.get(peer) ?? new Map<string, Prefix>();
    this.#ofPeer.set(peer, prefixes.set(text, masked));
  }

  remove(peer: number, prefix: Prefix): void {
    const masked = { address: mask(prefix), length: prefix.length };
    if (this.#ofPeer.get(peer)?.delete(keyOf(masked)) !== true) return;
    this.#tables[masked.address.length as 4 | 16].delete(masked.address, masked.length);
  }

  removeAll(peer: number): void {
    for (const prefix of this.of(peer)) this.remove(peer, prefix);
    this.#ofPeer.delete(peer);
  }

  /** Of a whole packet: the peer that has its destination, or -1. */
  byDestination(bytes: Uint8Array, at: number): number {
    const isV6 = (bytes[at] as number) >>> 4 === 6;
    return isV6
      ? this.#tables[16].lookup(bytes, at + V6.destination)
      : this.#tables[4].lookup(bytes, at + V4.destination);
  }

  /** The peer that alone may send with this source, or -1: a larger prefix of another does not count. */
  bySource(bytes: Uint8Array, at: number): number {
    const isV6 = (bytes[at] as number) >>> 4 === 6;
    return isV6 ? this.#tables[16].lookup(bytes, at + V6.source) : this.#tables[4].lookup(bytes, at + V4.source);
  }
}

const keyOf = ({ address, length }: Prefix): string => `${formatIpAddress(address)}/${length}`;

const mask = ({ address, length }: Prefix): Uint8Array =>
  address.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, length - 8 * i))));
