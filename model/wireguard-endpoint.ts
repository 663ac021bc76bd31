/** Where workers may begin to reach a device: a tenant names the place, and a worker sends datagrams there. */
import { addressRange, contains, type IpRange, overlaps, prefixRange } from './ip-range.ts';

import { parseWireguardEndpoint } from './wireguard.ts';

type Row = readonly [prefix: string, what: string];

/** Nobody's place, or the worker's own machine and link. */
const NEVER: readonly Row[] = [
  ['0.0.0.0/8', 'addresses of “this network”'],
  ['127.0.0.0/8', 'loopback addresses'],
  ['169.254.0.0/16', 'link-local addresses'],
  ['224.0.0.0/4', 'multicast addresses'],
  ['240.0.0.0/4', 'reserved addresses'],
  ['::/127', 'loopback addresses'],
  ['::ffff:0:0/96', 'IPv4 addresses in IPv6'],
  ['64:ff9b::/96', 'IPv4 addresses in IPv6'],
  ['64:ff9b:1::/48', 'IPv4 addresses in IPv6'],
  ['2002::/16', 'IPv4 addresses in IPv6'],
  ['2001::/32', 'IPv4 addresses in IPv6'],
  ['100::/64', 'addresses that are discarded'],
  ['fe80::/10', 'link-local addresses'],
  ['fec0::/10', 'link-local addresses'],
  ['ff00::/8', 'multicast addresses'],
];

/** What only workers may reach, unless an operator says that sites are there (RFC 1918, 6598, 2544, 6890; RFC 4193). */
const PRIVATE: readonly Row[] = [
  ['10.0.0.0/8', 'private'],
  ['172.16.0.0/12', 'private'],
  ['192.168.0.0/16', 'private'],
  ['100.64.0.0/10', 'shared'],
  ['192.0.0.0/24', 'special'],
  ['198.18.0.0/15', 'for benchmarks'],
  ['fc00::/7', 'private'],
];

const find = (rows: readonly Row[], range: IpRange): string | undefined =>
  rows.find(([prefix]) => overlaps(prefixRange(prefix), range))?.[1];

/** @returns what of a range is no place of a device, whoever says so; undefined: nothing */
export const neverEndpoint = (range: IpRange): string | undefined => find(NEVER, range);

/** Where endpoints of the edge are, as `endpointRefusal` takes them. Names are not looked up. */
export const endpointHosts = (endpoints: readonly string[]): string[] =>
  endpoints.flatMap((text) => {
    const endpoint = parseWireguardEndpoint(text);
    return endpoint?.isAddress === true ? [endpoint.host] : [];
  });

/**
 * Whether workers may begin at an address.
 *
 * @param ranges prefixes that an operator allows besides public addresses
 * @param own addresses and prefixes where the edge itself is
 * @returns why they may not, as the end of a sentence about the address; undefined: they may
 */
export const endpointRefusal = (
  address: string,
  ranges: readonly string[],
  own: readonly string[],
): string | undefined => {
  const range = addressRange(address);
  if (range === undefined) return 'is no address';
  const never = find(NEVER, range);
  if (never !== undefined) return `is one of the ${never}: no worker begins there`;
  const isOwn = own.some((text) => {
    const each = text.includes('/') ? prefixRange(text) : addressRange(text);
    return each !== undefined && overlaps(each, range);
  });
  if (isOwn) return "is the edge's own: give the device's";
  const what = find(PRIVATE, range);
  if (what === undefined || ranges.some((allowed) => contains(prefixRange(allowed), range))) return undefined;
  return `is ${what}, and workers begin only at public addresses and in the ranges that an operator allows (\`wireguard edge update --endpoint-ranges\`)`;
};
