import type { TunPacket } from '#host/tun/packet.ts';
import type { IpView } from '#protocol/ip/view.ts';
import type { RemoteSession } from './remote-sessions.ts';

/** The way out of the tunnel world: packets for it are gathered where they lie until the batch is written. */
export interface EgressPort {
  /** @returns false when the queue is full */
  add(buffer: Uint8Array, view: IpView): boolean;
}

/** The way to other data-plane threads; both take a copy. @returns false when the queue there is full */
export interface ThreadsPort {
  /** A packet from a session of ours to one of theirs. */
  toSession(session: RemoteSession, buffer: Uint8Array, start: number, end: number): boolean;
  /** A packet from outside. */
  toThread(thread: number, packet: TunPacket): boolean;
}
