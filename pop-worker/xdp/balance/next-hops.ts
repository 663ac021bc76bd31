import { createSocket } from 'node:dgram';
import { KernelRefusal } from '#host/netlink/kernel-refusal.ts';
import { type NetlinkRequests, withRequests } from '#host/netlink/requests.ts';
import { formatIpAddress } from '#protocol/ip/text.ts';
import { familyOf } from '#protocol/netlink/family.ts';
import { newLink } from '#protocol/netlink/link.ts';
import { newNeighbour } from '#protocol/netlink/neighbour.ts';
import { newRoute, type Route } from '#protocol/netlink/route.ts';
import type { FindNextHop, NextHop } from './next-hop.ts';
import type { OuterSources } from './of-file.ts';

const LINK_ADDRESS_BYTES = 6;
/** NUD_FAILED, NUD_NONE and NUD_INCOMPLETE: there is no link-layer address. */
const UNRESOLVED = [0x20, 0, 1];
/** RFC 863: whoever gets it throws it away. */
const DISCARD = 9;
const NOT_THERE = ['ENETUNREACH', 'EHOSTUNREACH', 'ENOENT', 'ENODEV', 'EACCES'];

/** Of what is asked for, or undefined where the kernel has none. */
const asked = <T>(ask: () => T): T | undefined => {
  try {
    return ask();
  } catch (error) {
    if (error instanceof KernelRefusal && NOT_THERE.includes(error.code)) return undefined;
    throw error;
  }
};

/** Bits of the last word of an address that are behind a prefix. */
const spreadOf = (length: number, bytes: number): number => {
  const bits = Math.min(bytes * 8 - length, 32);
  return bits === 0 ? 0 : bits === 32 ? 0xffffffff : 2 ** bits - 1;
};

const routeTo = (requests: NetlinkRequests, address: Uint8Array): Route | undefined => {
  const like = newRoute({
    family: familyOf(address),
    destination: address,
    destinationLength: address.length * 8,
    table: 0,
    type: 0,
  });
  return asked(() => requests.get('route', like));
};

/** Makes the kernel ask for a link-layer address: an empty datagram goes there. */
const solicit = (address: Uint8Array): void => {
  const socket = createSocket(address.length === 4 ? 'udp4' : 'udp6');
  socket.on('error', () => socket.close());
  socket.send(new Uint8Array(0), DISCARD, formatIpAddress(address), () => socket.close());
};

const linkAddressOf = (requests: NetlinkRequests, index: number, address: Uint8Array): Uint8Array | undefined => {
  const like = newNeighbour({ family: familyOf(address), index, address });
  const neighbour = asked(() => requests.get('neighbour', like));
  const isThere = neighbour !== undefined && !UNRESOLVED.includes(neighbour.state);
  return isThere && neighbour.linkAddress?.length === LINK_ADDRESS_BYTES ? neighbour.linkAddress : undefined;
};

const find = (
  requests: NetlinkRequests,
  address: Uint8Array,
  sources: OuterSources,
  here: number,
): NextHop | undefined => {
  const source = sources[address.length as 4 | 16];
  const route = routeTo(requests, address);
  if (route === undefined || route.device === 0) return undefined;
  const link = asked(() => requests.get('link', newLink({ index: route.device })));
  const gateway = route.gateway ?? address;
  const nextHop = linkAddressOf(requests, route.device, gateway);
  if (nextHop === undefined) solicit(gateway);
  if (link?.address?.length !== LINK_ADDRESS_BYTES || nextHop === undefined) return undefined;
  return {
    ...{ nextHop, own: link.address, interface: route.device === here ? 0 : route.device },
    mtu: Math.min(route.mtu || link.mtu, link.mtu),
    source: source?.address ?? route.preferredSource ?? new Uint8Array(address.length),
    spread: source === undefined ? 0 : spreadOf(source.length, address.length),
  };
};

/**
 * Ways to backends as the kernel has them: route, neighbour, link. Where it has no link-layer address yet it is made to ask for
 * it, and the next look finds it.
 *
 * @param here number of the interface that the program is at
 */
export const kernelNextHops =
  (sources: OuterSources, here: number): FindNextHop =>
  (address) =>
    withRequests((requests) => find(requests, address, sources, here));
