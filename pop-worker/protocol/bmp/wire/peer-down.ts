import { type BmpSubject, type BmpTime, BmpType, HEADS_BYTES, writeHeader, writePeerHeader } from './header.ts';

/** RFC 7854 §4.9, RFC 9069 §5.3. */
export const PeerDownReason = {
  /** With the NOTIFICATION that was sent. */
  localNotification: 1,
  /** With the number of an event of RFC 4271 §8.1, 0: none. */
  localEvent: 2,
  /** With the NOTIFICATION that came. */
  remoteNotification: 3,
  remoteClosed: 4,
  deconfigured: 5,
  /** With information: the Loc-RIB is no longer told. */
  locRib: 6,
} as const;

/** A Peer Down Notification. @param data that goes with the reason */
export const peerDown = (subject: BmpSubject, time: BmpTime, reason: number, data: Uint8Array): Uint8Array => {
  const out = new Uint8Array(HEADS_BYTES + 1 + data.length);
  const at = writePeerHeader(out, writeHeader(out, 0, BmpType.peerDown, out.length), subject, 0, time);
  out[at] = reason;
  out.set(data, at + 1);
  return out;
};
