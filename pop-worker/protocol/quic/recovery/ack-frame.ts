/** An ACK frame as the parser leaves it (RFC 9000 §19.3); lent for the call. */
export interface AckFrame {
  largest: number;
  /** As encoded, not yet scaled by the peer's ack_delay_exponent. */
  delay: number;
  /** Ranges in use. */
  count: number;
  /** `count` pairs [low, high], inclusive, descending: ranges[0..1] is the one that has `largest`. */
  ranges: Float64Array;
  hasEcn: boolean;
  ect0: number;
  ect1: number;
  ce: number;
}
