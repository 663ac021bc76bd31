/** Addresses as numbers and text, and who gets which; pure, so that two services decide alike. */

export interface Ipv4Range {
  /** First and last address that a device may get, as 32-bit numbers. */
  readonly first: number;
  readonly last: number;
}

const IPV4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/** @returns the address as a number, or undefined when the text is none (leading zeros are refused) */
export const ipv4ToNumber = (text: string): number | undefined => {
  const match = IPV4.exec(text);
  if (match === null) return undefined;
  let value = 0;
  for (const part of match.slice(1)) {
    if ((part.length > 1 && part.startsWith('0')) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
};

export const numberToIpv4 = (value: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');

/** Private and shared space (RFC 1918, RFC 6598) that networks may be taken from. */
const POOL_SPACE: readonly (readonly [string, number])[] = [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
];

/** The usable addresses of an IPv4 pool; its first host is the edge's own. @returns a sentence when it is no pool */
export const parsePool = (text: string): Ipv4Range | string => {
  const [base = '', bits = ''] = text.split('/');
  const address = ipv4ToNumber(base);
  const length = /^\d{1,2}$/.test(bits) ? Number(bits) : -1;
  if (address === undefined || length < 8 || length > 29) {
    return `ipv4_pool must be a prefix of 8 to 29 bits, such as 10.64.0.0/24, not ${JSON.stringify(text)}`;
  }
  const size = 2 ** (32 - length);
  if (address % size !== 0)
    return `ipv4_pool ${text} has bits set behind its prefix: ${numberToIpv4(address - (address % size))}/${length} is meant?`;
  const isPrivate = POOL_SPACE.some(([space, spaceLength]) => {
    const start = ipv4ToNumber(space) as number;
    return length >= spaceLength && address >= start && address < start + 2 ** (32 - spaceLength);
  });
  if (!isPrivate) return `ipv4_pool ${text} is not private address space (RFC 1918)`;
  return { first: address + 2, last: address + size - 2 };
};

export const inRange = (range: Ipv4Range, address: number): boolean => address >= range.first && address <= range.last;

/** The lowest address of the pool that nobody has. @returns undefined when all are taken */
export const firstFree = (range: Ipv4Range, taken: ReadonlySet<number>): number | undefined => {
  for (let address = range.first; address <= range.last; address++) if (!taken.has(address)) return address;
  return undefined;
};

/** A fresh unique local prefix (RFC 4193 §3.1): fd00::/8 and 40 random bits. @param random at least 5 bytes */
export const uniqueLocalPrefix = (random: Uint8Array): string => {
  const group = (at: number): string => ((random[at] as number) * 256 + (random[at + 1] as number)).toString(16);
  return `${(0xfd00 + (random[0] as number)).toString(16)}:${group(1)}:${group(3)}::/48`;
};

/** The network with this number out of an installation's /48. @param index 0 to 65535 */
export const networkPrefix = (installation: string, index: number): string => {
  const base = /^(fd[0-9a-f]{2}:[0-9a-f]{1,4}:[0-9a-f]{1,4})::\/48$/.exec(installation)?.[1];
  if (base === undefined || !Number.isInteger(index) || index < 0 || index > 0xffff) {
    throw new RangeError(`no network ${index} in ${installation}`);
  }
  return `${base}:${index.toString(16)}::/64`;
};

/** A device's IPv6 address: its IPv4 address is the interface identifier, so that one number stands for both. */
export const deviceIpv6 = (network: string, ipv4: number): string => {
  const base = /^(.*)::\/64$/.exec(network)?.[1];
  if (base === undefined) throw new RangeError(`not a /64: ${network}`);
  const high = Math.floor(ipv4 / 65536).toString(16);
  return `${base}::${high}:${(ipv4 % 65536).toString(16)}`;
};
