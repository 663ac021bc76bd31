import { familyOf } from '../family.ts';
import { writeGenericHeader } from '../generic.ts';
import type { MessageWriter } from '../writer.ts';
import {
  ALLOWED_IP,
  AllowedIpFlag,
  DEVICE,
  type KernelDeviceChange,
  type KernelPeerChange,
  PEER,
  WIREGUARD_VERSION,
  WireGuardCommand,
} from './device.ts';
import { socketAddressOf } from './socket-address.ts';

/** Writes the body of WG_CMD_GET_DEVICE. @throws NetlinkError */
export const writeGetDevice = (writer: MessageWriter, name: string): void => {
  writeGenericHeader(writer, WireGuardCommand.get, WIREGUARD_VERSION);
  writer.text(DEVICE.name, name);
};

/** A list of attributes: the kernel does not look at the numbers of its members. */
const writeList = <Item>(
  writer: MessageWriter,
  type: number,
  items: readonly Item[],
  write: (item: Item) => void,
): void => {
  if (items.length === 0) return;
  const list = writer.beginNested(type);
  for (const [i, item] of items.entries()) {
    const at = writer.beginNested(i);
    write(item);
    writer.endNested(at);
  }
  writer.endNested(list);
};

const writePeer = (writer: MessageWriter, peer: KernelPeerChange): void => {
  const { publicKey, flags, presharedKey, endpoint, persistentKeepaliveS, allowedIps } = peer;
  writer.octets(PEER.publicKey, publicKey);
  if (flags !== 0) writer.u32(PEER.flags, flags);
  if (presharedKey !== undefined) writer.octets(PEER.presharedKey, presharedKey);
  if (endpoint !== undefined) writer.octets(PEER.endpoint, socketAddressOf(endpoint));
  if (persistentKeepaliveS !== undefined) writer.u16(PEER.persistentKeepalive, persistentKeepaliveS);
  writeList(writer, PEER.allowedIps, allowedIps, ({ address, length, isRemoved }) => {
    writer.u16(ALLOWED_IP.family, familyOf(address));
    writer.octets(ALLOWED_IP.address, address);
    writer.u8(ALLOWED_IP.length, length);
    // Linux knows it since 6.16 and refuses it before.
    if (isRemoved) writer.u32(ALLOWED_IP.flags, AllowedIpFlag.remove);
  });
};

/** Writes the body of WG_CMD_SET_DEVICE. @throws NetlinkError it does not fit: see `messagesOf` */
export const writeSetDevice = (writer: MessageWriter, change: KernelDeviceChange): void => {
  const { name, flags, privateKey, listenPort, fwmark, peers } = change;
  writeGenericHeader(writer, WireGuardCommand.set, WIREGUARD_VERSION);
  writer.text(DEVICE.name, name);
  if (flags !== 0) writer.u32(DEVICE.flags, flags);
  if (privateKey !== undefined) writer.octets(DEVICE.privateKey, privateKey);
  if (listenPort !== undefined) writer.u16(DEVICE.listenPort, listenPort);
  if (fwmark !== undefined) writer.u32(DEVICE.fwmark, fwmark);
  writeList(writer, DEVICE.peers, peers, (peer) => writePeer(writer, peer));
};
