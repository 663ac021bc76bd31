import type { AttributeReader } from '../attributes.ts';
import { readU64 } from '../bytes.ts';
import { NetlinkError, NetlinkFault } from '../errors.ts';
import { addressBytes } from '../family.ts';
import { genericAttributes } from '../generic.ts';
import { ALLOWED_IP, type AllowedIp, DEVICE, KEY_BYTES, type KernelDevice, type KernelPeer, PEER } from './device.ts';
import { readSocketAddress } from './socket-address.ts';

/** struct __kernel_timespec: seconds and nanoseconds, 64 bits each. */
const TIMESPEC_BYTES = 16;

const readTime = (bytes: Uint8Array): number => readU64(bytes, 0) * 1e6 + Math.floor(readU64(bytes, 8) / 1000);

const readAllowedIp = (attributes: AttributeReader): AllowedIp => {
  let [family, length] = [0, 0];
  let address: Uint8Array = new Uint8Array(0);
  while (attributes.next()) {
    if (attributes.type === ALLOWED_IP.family) family = attributes.u16();
    else if (attributes.type === ALLOWED_IP.address) address = attributes.copy();
    else if (attributes.type === ALLOWED_IP.length) length = attributes.u8();
  }
  const bytes = addressBytes(family);
  if (bytes === 0 || address.length !== bytes || length > 8 * bytes)
    throw new NetlinkError(
      NetlinkFault.size,
      `an allowed IP of ${address.length} bytes, ${length} bits, family ${family}`,
    );
  return { address, length };
};

const newPeer = (publicKey: Uint8Array): KernelPeer => ({
  ...{ publicKey, presharedKey: undefined, endpoint: undefined, persistentKeepaliveS: 0 },
  ...{ lastHandshakeUnixUs: 0, receivedBytes: 0, sentBytes: 0, allowedIps: [] },
});

const readPeerAttribute = (peer: KernelPeer, attributes: AttributeReader): void => {
  switch (attributes.type) {
    case PEER.presharedKey:
      peer.presharedKey = attributes.octets(KEY_BYTES);
      break;
    case PEER.endpoint:
      peer.endpoint = readSocketAddress(attributes.copy());
      break;
    case PEER.persistentKeepalive:
      peer.persistentKeepaliveS = attributes.u16();
      break;
    case PEER.lastHandshake:
      peer.lastHandshakeUnixUs = readTime(attributes.octets(TIMESPEC_BYTES));
      break;
    case PEER.receivedBytes:
      peer.receivedBytes = attributes.u64();
      break;
    case PEER.sentBytes:
      peer.sentBytes = attributes.u64();
      break;
    case PEER.allowedIps: {
      const list = attributes.nested();
      while (list.next()) peer.allowedIps.push(readAllowedIp(list.nested()));
      break;
    }
    default:
  }
};

const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.every((byte, i) => byte === b[i]);

/** @param last the peer that the message before ended with: one whose allowed IPs do not fit goes on in the next one */
const readPeer = (attributes: AttributeReader, last: KernelPeer | undefined): KernelPeer => {
  // The key comes first: whom the rest is about.
  if (!attributes.next() || attributes.type !== PEER.publicKey)
    throw new NetlinkError(NetlinkFault.truncated, 'a peer that does not begin with its key');
  const publicKey = attributes.octets(KEY_BYTES);
  const peer = last !== undefined && isSame(last.publicKey, publicKey) ? last : newPeer(publicKey);
  while (attributes.next()) readPeerAttribute(peer, attributes);
  return peer;
};

const readPeers = (device: KernelDevice, list: AttributeReader): void => {
  while (list.next()) {
    const last = device.peers.at(-1);
    const peer = readPeer(list.nested(), last);
    if (peer !== last) device.peers.push(peer);
  }
};

export const newKernelDevice = (): KernelDevice => ({
  ...{ name: '', index: 0, privateKey: undefined, listenPort: 0, fwmark: 0, peers: [] },
});

/**
 * Reads one of the messages that answer WG_CMD_GET_DEVICE: the first has the interface, each has peers.
 *
 * @param device takes what is read, of all messages of an answer
 * @throws NetlinkError
 */
export const readWireGuardDevice = (device: KernelDevice, bytes: Uint8Array, at: number, end: number): void => {
  const attributes = genericAttributes(bytes, at, end);
  while (attributes.next()) {
    switch (attributes.type) {
      case DEVICE.index:
        device.index = attributes.u32();
        break;
      case DEVICE.name:
        device.name = attributes.text();
        break;
      case DEVICE.privateKey:
        device.privateKey = attributes.octets(KEY_BYTES);
        break;
      case DEVICE.listenPort:
        device.listenPort = attributes.u16();
        break;
      case DEVICE.fwmark:
        device.fwmark = attributes.u32();
        break;
      case DEVICE.peers:
        readPeers(device, attributes.nested());
        break;
      default:
    }
  }
};
