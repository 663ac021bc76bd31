import { type Prefix, parsePrefix } from '#protocol/ip/text.ts';

/** Why an address must not be reached through a proxy. */
export type Prohibition =
  | 'this-network'
  | 'loopback'
  | 'link-local'
  | 'metadata'
  | 'multicast'
  | 'broadcast'
  | 'reserved'
  | 'discard'
  | 'unspecified'
  | 'not-an-address'
  | 'configured';

type Row = readonly [prefix: string, why: Prohibition, source: string];

/** What nobody reaches, whatever the configuration denies besides. Private space is not here: tenants live in it. */
const FORBIDDEN: readonly Row[] = [
  ['0.0.0.0/8', 'this-network', 'RFC 6890 §2.2.2, table 1'],
  ['127.0.0.0/8', 'loopback', 'RFC 6890 §2.2.2, table 4'],
  ['169.254.169.254/32', 'metadata', 'instance metadata of the large clouds'],
  ['169.254.0.0/16', 'link-local', 'RFC 6890 §2.2.2, table 5'],
  ['100.100.100.200/32', 'metadata', 'instance metadata of Alibaba Cloud'],
  ['192.0.0.192/32', 'metadata', 'instance metadata of Oracle Cloud'],
  ['224.0.0.0/4', 'multicast', 'RFC 5771'],
  ['255.255.255.255/32', 'broadcast', 'RFC 6890 §2.2.2, table 16'],
  ['240.0.0.0/4', 'reserved', 'RFC 6890 §2.2.2, table 15'],
  ['::/128', 'unspecified', 'RFC 6890 §2.2.3, table 18'],
  ['::1/128', 'loopback', 'RFC 6890 §2.2.3, table 17'],
  ['100::/64', 'discard', 'RFC 6890 §2.2.3, table 21'],
  ['fe80::/10', 'link-local', 'RFC 6890 §2.2.3, table 29'],
  ['fec0::/10', 'link-local', 'RFC 3879: deprecated site-local'],
  ['fd00:ec2::254/128', 'metadata', 'instance metadata of AWS'],
  ['fd20:ce::254/128', 'metadata', 'instance metadata of Google Cloud'],
  ['ff00::/8', 'multicast', 'RFC 4291 §2.7'],
];

/** IPv6 prefixes in which an IPv4 address sits, and the byte at which it begins: judged by that address. */
const WRAPPED: readonly (readonly [prefix: string, at: number, source: string])[] = [
  ['::ffff:0:0/96', 12, 'RFC 4291 §2.5.5.2: IPv4-mapped'],
  ['::ffff:0:0:0/96', 12, 'RFC 2765 §2.1: IPv4-translated'],
  ['::/96', 12, 'RFC 4291 §2.5.5.1: IPv4-compatible'],
  ['64:ff9b::/96', 12, 'RFC 6052 §2.1: NAT64'],
  ['64:ff9b:1::/48', 12, 'RFC 8215: local NAT64, /96 within it'],
  ['2002::/16', 2, 'RFC 3056 §2: 6to4'],
];

/** ISATAP interface identifiers carry IPv4 in their last four bytes (RFC 5214 §6.1). */
const isIsatap = (address: Uint8Array): boolean =>
  ((address[8] as number) & 0xfd) === 0 && address[9] === 0 && address[10] === 0x5e && address[11] === 0xfe;

/** Teredo hides the client's IPv4 address inverted in the last four bytes (RFC 4380 §4). */
const isTeredo = (address: Uint8Array): boolean =>
  address[0] === 0x20 && address[1] === 0x01 && address[2] === 0 && address[3] === 0;

const must = (text: string): Prefix => {
  const prefix = parsePrefix(text);
  if (prefix === undefined) throw new RangeError(`not a prefix: ${text}`);
  return prefix;
};

const FORBIDDEN_PREFIXES = FORBIDDEN.map(([prefix, why]) => ({ prefix: must(prefix), why }));
/** The prefixes of what nobody reaches; addresses that hide IPv4 ones are not among them. */
export const NEVER_DESTINATIONS: readonly Prefix[] = FORBIDDEN_PREFIXES.map(({ prefix }) => prefix);
const WRAPPED_PREFIXES = WRAPPED.map(([prefix, at]) => ({ prefix: must(prefix), at }));

/** Whether a prefix holds an address of the same family. */
export const prefixContains = ({ address, length }: Prefix, other: Uint8Array): boolean => {
  if (address.length !== other.length) return false;
  const whole = length >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== other[i]) return false;
  const rest = length & 7;
  return rest === 0 || (((address[whole] as number) ^ (other[whole] as number)) & (0xff << (8 - rest))) === 0;
};

/** IPv4 addresses that hide in an IPv6 one. */
const inside = (address: Uint8Array): Uint8Array[] => {
  const found = WRAPPED_PREFIXES.filter(({ prefix }) => prefixContains(prefix, address)).map(({ at }) =>
    address.subarray(at, at + 4),
  );
  if (isIsatap(address)) found.push(address.subarray(12));
  if (isTeredo(address)) found.push(address.subarray(12).map((byte) => byte ^ 0xff));
  return found;
};

export interface TargetPolicy {
  /** Besides what is always forbidden: management networks, NATS, other tenants. */
  readonly deny: readonly Prefix[];
  /** Goes before everything, for tests and labs. Matches the address as it is, never one wrapped in it. */
  readonly allow: readonly Prefix[];
  /** Denies more, which no list of prefixes can say. */
  readonly denies?: (address: Uint8Array) => boolean;
}

/**
 * Judges an address after names were resolved (before that, a name can still become anything).
 *
 * @param address 4 or 16 bytes in network order
 * @returns why it is refused, undefined when it may be reached
 */
export const prohibition = (address: Uint8Array, policy: TargetPolicy): Prohibition | undefined => {
  if (address.length !== 4 && address.length !== 16) return 'not-an-address';
  if (policy.allow.some((prefix) => prefixContains(prefix, address))) return undefined;
  const own = FORBIDDEN_PREFIXES.find(({ prefix }) => prefixContains(prefix, address));
  if (own !== undefined) return own.why;
  if (policy.deny.some((prefix) => prefixContains(prefix, address)) || policy.denies?.(address)) return 'configured';
  if (address.length === 4) return undefined;
  const bare: TargetPolicy = { ...policy, allow: [] };
  for (const hidden of inside(address)) {
    const why = prohibition(hidden, bare);
    if (why !== undefined) return why;
  }
  return undefined;
};
