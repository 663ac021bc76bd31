declare const kind: unique symbol;
export type NetlinkHandle = { readonly [kind]: 'netlink' };

/** What `netlinkReceive` returns besides a length; `native/netlink.c` has the same. */
export const Received = {
  nothing: 0,
  /** The kernel had no room for what it had to tell (ENOBUFS): something is missing. */
  overrun: -1,
  /** A datagram was longer than the buffer and is lost. */
  truncated: -2,
} as const;

/** Netlink sockets with extended acknowledgements and strict checking; `host/netlink/` is what others use. */
export interface NetlinkNative {
  /** Opens in the calling thread's network namespace. @param receiveBufferBytes 0 for the kernel's default @param protocol NETLINK_* */
  netlinkOpen(receiveBufferBytes: number, protocol: number): NetlinkHandle;
  netlinkDescriptor(socket: NetlinkHandle): number;
  /** By which the kernel knows the socket. */
  netlinkPort(socket: NetlinkHandle): number;
  /** @param group RTNLGRP_* */
  netlinkJoin(socket: NetlinkHandle, group: number): void;
  /** Leaves out notifications of what the socket of this port caused. */
  netlinkIgnore(socket: NetlinkHandle, port: number): void;
  /** Sends one datagram to the kernel, which has handled it when this returns. */
  netlinkSend(socket: NetlinkHandle, bytes: Uint8Array): void;
  /** @returns length of one datagram of the kernel, or one of `Received` */
  netlinkReceive(socket: NetlinkHandle, bytes: Uint8Array): number;
  /** Datagrams of other processes, which are dropped. */
  netlinkForeign(socket: NetlinkHandle): number;
  netlinkClose(socket: NetlinkHandle): void;
}
