import { fold } from '#protocol/ip/checksum.ts';
import { type PacketOptions, packet, udp } from '#protocol/ip/testing/packets.ts';

const MACS = [0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2];
const IPV4 = 0x0800;
const IPV6 = 0x86dd;

export const bytes = (...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

export const word = (value: number): number[] => [value >>> 8, value & 255];

/** A frame around what a type says it is. @param tags of VLANs, outermost first: type and identifier */
export const ethernet = (
  type: number,
  payload: Uint8Array,
  tags: readonly (readonly [type: number, id: number])[] = [],
): Uint8Array => bytes(MACS, ...tags.flatMap(([tag, id]) => [word(tag), word(id)]), word(type), payload);

/** A frame with an IP packet, of a UDP datagram where nothing else is said. */
export const ip = (options: PacketOptions = {}, tags: Parameters<typeof ethernet>[2] = []): Uint8Array => {
  const inner = packet({ protocol: 17, payload: udp(new Uint8Array(18)), ...options });
  return ethernet((inner[0] as number) >>> 4 === 4 ? IPV4 : IPV6, inner, tags);
};

/** The same with some bytes others. @param changes by the place in the IP packet */
export const changed = (
  frame: Uint8Array,
  changes: Readonly<Record<number, number | readonly number[]>>,
): Uint8Array => {
  const out = frame.slice();
  for (const [at, value] of Object.entries(changes))
    out.set(typeof value === 'number' ? [value] : value, 14 + Number(at));
  return out;
};

/** Only so many bytes of it, or with so many more behind it. */
export const resized = (frame: Uint8Array, change: number): Uint8Array =>
  change <= 0 ? frame.slice(0, frame.length + change) : bytes(frame, new Uint8Array(change));

/** IPv6 with extension headers in front of a UDP datagram. @param headers each with its number and its bytes from the third on */
export const withExtensions = (
  headers: readonly (readonly [number: number, rest: readonly number[]])[],
  last = 17,
  payload: Uint8Array = udp(new Uint8Array(18)),
  options: PacketOptions = {},
): Uint8Array => {
  const numbers = [...headers.map(([number]) => number), last];
  const chain = headers.flatMap(([number, rest], i) => {
    const length = 2 + rest.length;
    const units = number === 44 ? 0 : number === 51 ? length / 4 - 2 : length / 8 - 1;
    return [numbers[i + 1] as number, units, ...rest];
  });
  const source = options.source ?? '2001:db8::2';
  const destination = options.destination ?? '2001:db8:1::1';
  return ip({ ...options, source, destination, protocol: numbers[0] as number, payload: bytes(chain, payload) });
};

/** An ICMP or ICMPv6 message. */
export const icmp = (type: number, code = 0, rest: readonly number[] = [0, 7, 0, 1]): Uint8Array =>
  bytes([type, code, 0, 0], rest, new Uint8Array(16));

/** An IPv4 packet of ICMP, without options, with ICMP's checksum. */
export const withIcmpSum = (frame: Uint8Array): Uint8Array => {
  let sum = 0;
  for (let i = 34; i < frame.length; i += 2) if (i !== 36) sum += 256 * (frame[i] as number) + (frame[i + 1] ?? 0);
  return changed(frame, { 22: word(~fold(sum) & 0xffff) });
};

/** IPv4 with options, which are filled up to whole words. */
export const withOptions = (options: readonly number[], more: PacketOptions = {}): Uint8Array => {
  const plain = ip(more);
  const padded = [...options, ...Array.from({ length: (4 - (options.length % 4)) % 4 }, () => 0)];
  const frame = bytes(plain.subarray(0, 34), padded, plain.subarray(34));
  const headerWords = 5 + padded.length / 4;
  return changed(frame, { 0: 0x40 | headerWords, 2: word(frame.length - 14) });
};
