import type { UdpSocket } from '#host/udp/socket.ts';
import { sameAddress } from '#protocol/address.ts';
import { type Burst, D_LOCAL, D_REMOTE, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import type { DatagramPort } from './quic-driver.ts';

interface Member {
  readonly socket: UdpSocket;
  readonly address: Int32Array;
}

/**
 * The sockets of all listen addresses of a thread as one: a connection may move from one address to another, and each
 * datagram leaves from the address that it belongs to.
 */
export class ListenSockets implements DatagramPort {
  readonly #members: readonly Member[];
  /** Where the next `receive` begins, so that a busy socket does not starve the others. */
  #turn = 0;

  constructor(sockets: readonly UdpSocket[]) {
    this.#members = sockets.map((socket) => ({ socket, address: socket.localAddress() }));
  }

  receive(burst: Burst): number {
    const members = this.#members;
    let count = 0;
    for (let i = 0; i < members.length; i++) {
      count += (members[(this.#turn + i) % members.length] as Member).socket.receive(burst);
    }
    this.#turn = (this.#turn + 1) % members.length;
    return count;
  }

  /** Sends runs of descriptors by the socket that each belongs to. @returns as `UdpSocket.send` */
  send(burst: Burst, from = 0): number {
    if (this.#members.length === 1) return (this.#members[0] as Member).socket.send(burst, from);
    let next = from;
    while (next < burst.count) {
      const socket = this.#socketOf(burst.words, next);
      let end = next + 1;
      while (end < burst.count && this.#socketOf(burst.words, end) === socket) end++;
      const sent = socket.send(burst, next, end);
      if (sent < end) {
        this.#full = socket;
        return sent;
      }
      next = end;
    }
    return next;
  }

  /** The one that took no more. */
  #full: UdpSocket | undefined;

  /** By the local address; without one, by the remote address's family. */
  #socketOf(words: Int32Array, descriptor: number): UdpSocket {
    const at = descriptor * DESCRIPTOR_WORDS;
    const members = this.#members;
    for (const { socket, address } of members) if (sameAddress(words, at + D_LOCAL, address, 0)) return socket;
    const family = (words[at + D_REMOTE] as number) & 0xffff;
    for (const { socket, address } of members) if (((address[0] as number) & 0xffff) === family) return socket;
    return (members[0] as Member).socket;
  }

  onReadable(callback: (() => void) | undefined): void {
    for (const { socket } of this.#members) socket.onReadable(callback);
  }

  onceWritable(callback: () => void): void {
    (this.#full ?? (this.#members[0] as Member).socket).onceWritable(callback);
  }

  close(): void {
    for (const { socket } of this.#members) socket.close();
  }
}
