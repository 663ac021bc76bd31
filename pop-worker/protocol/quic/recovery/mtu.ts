import type { TimeUs } from '../../contract.ts';

/** Finds the largest datagram that a path takes: DPLPMTUD (RFC 8899, RFC 9000 §14.3). */
export class Mtu {
  /** Largest UDP payload to send now, in bytes. */
  get datagramBytes(): number {
    throw new Error('not yet');
  }

  /** @returns the size of the probe to send now in bytes, 0 for none; `onProbeSent` must follow if it is sent */
  nextProbe(_now: TimeUs): number {
    throw new Error('not yet');
  }

  onProbeSent(_now: TimeUs, _bytes: number): void {
    throw new Error('not yet');
  }

  /** The peer's max_udp_payload_size (RFC 9000 §18.2). */
  setPeerLimit(_bytes: number): void {
    throw new Error('not yet');
  }

  /** The kernel refused a datagram as too large (EMSGSIZE), or said the link's MTU. */
  onTooLarge(_now: TimeUs, _bytes: number): void {
    throw new Error('not yet');
  }
}
