/** Bits that describe a sent packet. */
export const PacketFlag = {
  /** RFC 9002 §2: it contains a frame other than ACK, PADDING and CONNECTION_CLOSE. */
  ackEliciting: 1,
  /** RFC 9002 §2: ack-eliciting, or contains PADDING: counts toward bytes in flight. */
  inFlight: 2,
  /** Its loss says something of the MTU, nothing of congestion (RFC 9000 §14.4). */
  mtuProbe: 4,
  /** Its datagram was sent with ECT(0) or ECT(1). */
  ecn: 8,
} as const;

/** Bits that Recovery keeps for itself. */
export const PacketState = {
  acked: 16,
  lost: 32,
  /** The number was never sent, deliberately (RFC 9000 §21.4). */
  skipped: 64,
  /** Its sample would be application-limited (draft-ietf-ccwg-bbr §4.1.1.3). */
  appLimited: 128,
  /** It still counts in bytes in flight. */
  counted: 256,
} as const;
