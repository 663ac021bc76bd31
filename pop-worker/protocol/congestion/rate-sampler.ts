import type { TimeUs } from '../contract.ts';

/**
 * What one ACK frame says about the path (draft-ietf-ccwg-bbr §4.1.2.1.3). One object a connection, overwritten by every
 * ACK frame. Bytes, microseconds, bytes a second.
 */
export interface RateSample {
  /** Bytes delivered between sending the newest acknowledged packet and its acknowledgement. */
  delivered: number;
  /** The longer of send and ACK interval; 0: there is no sample. */
  intervalUs: TimeUs;
  /** 0: there is no sample. */
  deliveryRate: number;
  /** Since the newest acknowledged packet was sent, without correction for ACK delay; -1: there is none. */
  rttUs: TimeUs;
  /** The RFC 9002 estimates after this ACK. */
  smoothedRttUs: TimeUs;
  minRttUs: TimeUs;
  /** Bytes in flight before this ACK frame. */
  priorInFlight: number;
  /** Connection's delivered count when the newest acknowledged packet was sent (P.delivered). */
  priorDelivered: number;
  /** Connection's delivered count now (C.delivered). */
  totalDelivered: number;
  /** Bytes that this ACK frame acknowledged for the first time, and that were in flight. */
  newlyAcked: number;
  /** Those of `newlyAcked` that were sent after the recovery period began. */
  ackedOutsideRecovery: number;
  /** Bytes deemed lost because of this ACK frame. */
  newlyLost: number;
  /** Bytes lost between sending the newest acknowledged packet and now. */
  lost: number;
  /** The newest acknowledged packet was sent while the application had too little to send. */
  isAppLimited: boolean;
  /** Bytes in flight right after the newest acknowledged packet was sent. */
  txInFlight: number;
  /** When the newest acknowledged packet was sent. */
  largestSentTime: TimeUs;
  /** This ACK ends a packet-timed round trip (draft-ietf-ccwg-bbr §5.5.1). */
  roundStart: boolean;
  /** Packet-timed round trips so far. */
  roundCount: number;
}

/** What is known of one lost packet. One object a connection, overwritten by every loss. */
export interface LostPacket {
  packetNumber: number;
  bytes: number;
  sentTime: TimeUs;
  /** Bytes in flight right after it was sent. */
  txInFlight: number;
  /** Connection's delivered count when it was sent. */
  delivered: number;
  /** Bytes lost between sending it and now, with it. */
  lost: number;
  isAppLimited: boolean;
}
