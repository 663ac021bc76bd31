import { native } from '../native.ts';
import { Readiness } from '../poll/readiness.ts';
import type { NetlinkHandle } from './native.ts';

export { Received } from './native.ts';

/** What one datagram of the kernel has at most: 32 KiB of a dump, and more than that for a link with many parts. */
export const DATAGRAM_BYTES = 64 * 1024;

/** NETLINK_* (linux/netlink.h): of links, addresses and routes, and of what names itself. */
const NETLINK_ROUTE = 0;
export const NETLINK_GENERIC = 16;

/** A netlink socket in the network namespace of the thread that opened it. */
export class NetlinkSocket {
  readonly #handle: NetlinkHandle;
  readonly #readiness = new Readiness(() => native.netlinkDescriptor(this.#handle));

  private constructor(handle: NetlinkHandle) {
    this.#handle = handle;
  }

  /** @param receiveBufferBytes 0: the system's default @throws an Error with the errno's name as `code` */
  static open(receiveBufferBytes = 0, protocol = NETLINK_ROUTE): NetlinkSocket {
    return new NetlinkSocket(native.netlinkOpen(receiveBufferBytes, protocol));
  }

  /** By which notifications say whose request caused them. */
  get port(): number {
    return native.netlinkPort(this.#handle);
  }

  /** Datagrams that were no kernel's and were dropped. */
  get foreign(): number {
    return native.netlinkForeign(this.#handle);
  }

  /** @param group RTNLGRP_* */
  join(group: number): void {
    native.netlinkJoin(this.#handle, group);
  }

  /** Leaves out notifications of what the socket of this port caused. */
  ignore(port: number): void {
    native.netlinkIgnore(this.#handle, port);
  }

  /** The kernel has handled it when this returns. @throws an Error with the errno's name as `code` */
  send(bytes: Uint8Array): void {
    native.netlinkSend(this.#handle, bytes);
  }

  /** @returns the length of a datagram, or one of `Received` */
  receive(bytes: Uint8Array): number {
    return native.netlinkReceive(this.#handle, bytes);
  }

  onReadable(callback: (() => void) | undefined): void {
    this.#readiness.onReadable(callback);
  }

  /** May be called twice, and inside a callback; no callback comes afterwards. */
  close(): void {
    if (this.#readiness.close()) native.netlinkClose(this.#handle);
  }
}
