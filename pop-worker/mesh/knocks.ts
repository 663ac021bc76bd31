import { createSocket, type Socket } from 'node:dgram';
import type { MeshPeer } from './setup.ts';

/** No QUIC packet is so short (RFC 9000 §5.2): who is there drops it. */
const KNOCK = Uint8Array.of(0);

interface Door {
  readonly socket: Socket;
  readonly place: string;
  isConnected: boolean;
}

const placeOf = ({ address, port }: MeshPeer): string => `${address} ${port}`;

/**
 * Asks the hosts of other workers whether anybody is at their ports. A process that is killed cannot say that it is gone; its
 * host does (ICMP port unreachable), to whoever has a socket connected there. Where no ICMP comes through nothing is learnt.
 */
export class Knocks {
  readonly #doors = new Map<number, Door>();
  readonly #refused: (member: number) => void;

  constructor(refused: (member: number) => void) {
    this.#refused = refused;
  }

  setPeers(peers: readonly MeshPeer[]): void {
    const wanted = new Map(peers.map((peer) => [peer.member, peer]));
    for (const [member, { place }] of this.#doors) {
      const peer = wanted.get(member);
      if (peer === undefined || placeOf(peer) !== place) this.#forget(member);
    }
    for (const [member, peer] of wanted) if (!this.#doors.has(member)) this.#add(member, peer);
  }

  #add(member: number, peer: MeshPeer): void {
    const socket = createSocket(peer.address.includes(':') ? 'udp6' : 'udp4');
    const door = { socket, place: placeOf(peer), isConnected: false };
    this.#doors.set(member, door);
    socket.unref();
    socket.on('error', (error: NodeJS.ErrnoException) => this.#failed(member, error));
    socket.connect(peer.port, peer.address, () => {
      door.isConnected = true;
    });
  }

  #failed(member: number, { code }: NodeJS.ErrnoException): void {
    if (code === 'ECONNREFUSED') this.#refused(member);
  }

  #forget(member: number): void {
    this.#doors.get(member)?.socket.close();
    this.#doors.delete(member);
  }

  knock(member: number): void {
    const door = this.#doors.get(member);
    if (door?.isConnected !== true) return;
    door.socket.send(KNOCK, (error) => error && this.#failed(member, error));
  }

  close(): void {
    for (const member of this.#doors.keys()) this.#forget(member);
  }
}
