import type { Negotiated } from '#protocol/bgp/fsm/negotiate.ts';
import { type BmpSubject, PeerType } from './wire/header.ts';
import type { BmpSession } from './wire/peer-up.ts';

/** A neighbour whose session is there. */
export interface BmpPeer extends BmpSession {
  /** As the RIB knows it. */
  readonly index: number;
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly as: number;
  readonly negotiated: Negotiated;
  /** UPDATEs of it that were taken as withdrawals (RFC 7606). */
  treatedAsWithdraw: number;
}

export const subjectOf = ({ address, as, negotiated }: BmpPeer): BmpSubject => ({
  type: PeerType.global,
  address,
  as,
  identifier: negotiated.remoteIdentifier,
});
