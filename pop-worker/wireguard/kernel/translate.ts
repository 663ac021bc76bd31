import { formatAddress, parseAddress } from '#host/udp/address.ts';
import { ADDRESS_WORDS } from '#protocol/address.ts';
import { formatIpAddress } from '#protocol/ip/text.ts';
import {
  DeviceFlag,
  type KernelDeviceChange,
  type KernelEndpoint,
  type KernelPeer,
  type KernelPeerChange,
  PeerFlag,
} from '#protocol/netlink/wireguard/device.ts';
import type { PeerState } from '#protocol/wireguard/uapi/answer.ts';
import type { PeerChange, SetRequest } from '#protocol/wireguard/uapi/request.ts';
import type { EndpointText } from '#protocol/wireguard/uapi/values.ts';
import { zoneIndex } from '../zone.ts';

const endpointOf = ({ address, port, zone }: EndpointText): KernelEndpoint => ({
  ...{ address, port, scope: Number(zoneIndex(zone)) },
});

const textOf = ({ address, port, scope }: KernelEndpoint): string => {
  const words = new Int32Array(ADDRESS_WORDS);
  parseAddress(`${formatIpAddress(address)}${scope === 0 ? '' : `%${scope}`}`, port, words);
  return formatAddress(words);
};

const peerChangeOf = (change: PeerChange): KernelPeerChange => {
  const { publicKey, remove, updateOnly, replaceAllowedIps, presharedKey, endpoint, allowedIps } = change;
  const flags =
    (remove === true ? PeerFlag.remove : 0) |
    (replaceAllowedIps === true ? PeerFlag.replaceAllowedIps : 0) |
    (updateOnly === true ? PeerFlag.updateOnly : 0);
  if (remove === true) return { publicKey, flags: PeerFlag.remove, allowedIps: [] };
  return {
    ...{ publicKey, flags, presharedKey, persistentKeepaliveS: change.persistentKeepaliveS },
    endpoint: endpoint === undefined ? undefined : endpointOf(endpoint),
    allowedIps: allowedIps.map(({ prefix, isRemoved }) => ({ ...prefix, isRemoved })),
  };
};

/** A `set=1` as the kernel is told of it. @throws UapiError the endpoint is of an interface that there is not */
export const changeOf = (name: string, { device, peers }: SetRequest): KernelDeviceChange => ({
  ...{ name, flags: device.replacePeers === true ? DeviceFlag.replacePeers : 0 },
  ...{ privateKey: device.privateKey, listenPort: device.listenPort, fwmark: device.fwmark },
  peers: peers.map(peerChangeOf),
});

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

/** What the kernel tells of a key; undefined for one that is all zero, which is none. */
export const keyOf = (key: Uint8Array | undefined): Uint8Array | undefined =>
  key === undefined || isZero(key) ? undefined : key;

/** A peer as `get=1` has it. */
export const stateOf = (peer: KernelPeer): PeerState => ({
  publicKey: peer.publicKey,
  presharedKey: keyOf(peer.presharedKey),
  endpoint: peer.endpoint === undefined ? '' : textOf(peer.endpoint),
  lastHandshakeUnixUs: peer.lastHandshakeUnixUs,
  sentBytes: peer.sentBytes,
  receivedBytes: peer.receivedBytes,
  persistentKeepaliveS: peer.persistentKeepaliveS,
  allowedIps: peer.allowedIps,
});
