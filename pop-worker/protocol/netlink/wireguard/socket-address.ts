import { readU16, readU32, writeU16, writeU32 } from '../bytes.ts';
import { NetlinkError, NetlinkFault } from '../errors.ts';
import { Family } from '../family.ts';
import type { KernelEndpoint } from './device.ts';

/** struct sockaddr_in (linux/in.h): family, port, address, eight bytes of nothing. */
const IPV4_BYTES = 16;
/** struct sockaddr_in6 (linux/in6.h): family, port, flow label, address, scope. */
const IPV6_BYTES = 28;
const PORT_AT = 2;
const ADDRESS_AT = { 4: 4, 16: 8 } as const;
const SCOPE_AT = 24;

const ofNetworkOrder = (port: number): number => (port >>> 8) | ((port & 0xff) << 8);

/** Reads a `struct sockaddr` of either family. @throws NetlinkError */
export const readSocketAddress = (bytes: Uint8Array): KernelEndpoint => {
  const isIpv6 = bytes.length === IPV6_BYTES;
  const family = isIpv6 ? Family.ipv6 : Family.ipv4;
  if ((!isIpv6 && bytes.length !== IPV4_BYTES) || readU16(bytes, 0) !== family)
    throw new NetlinkError(NetlinkFault.size, `an endpoint of ${bytes.length} bytes`);
  const size = isIpv6 ? 16 : 4;
  const at = ADDRESS_AT[size];
  return {
    address: bytes.slice(at, at + size),
    port: ofNetworkOrder(readU16(bytes, PORT_AT)),
    scope: isIpv6 ? readU32(bytes, SCOPE_AT) : 0,
  };
};

export const socketAddressOf = ({ address, port, scope }: KernelEndpoint): Uint8Array => {
  const isIpv6 = address.length === 16;
  const bytes = new Uint8Array(isIpv6 ? IPV6_BYTES : IPV4_BYTES);
  writeU16(bytes, 0, isIpv6 ? Family.ipv6 : Family.ipv4);
  writeU16(bytes, PORT_AT, ofNetworkOrder(port));
  bytes.set(address, ADDRESS_AT[isIpv6 ? 16 : 4]);
  if (isIpv6) writeU32(bytes, SCOPE_AT, scope);
  return bytes;
};
