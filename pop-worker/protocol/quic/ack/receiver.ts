import type { TimeUs } from '../../contract.ts';

export interface AckReceiverOptions {
  /** Initial and Handshake: each ack-eliciting packet is acknowledged at once (RFC 9000 §13.2.1). */
  readonly immediate: boolean;
  /** Our max_ack_delay in microseconds (RFC 9000 §18.2); 25 ms by default. */
  readonly maxAckDelayUs?: number;
  /** Our ack_delay_exponent; 3 by default. */
  readonly ackDelayExponent?: number;
  /** Ranges remembered at most. 256 by default. */
  readonly maxRanges?: number;
}

/** Which packets of one packet number space arrived, and when to say so (RFC 9000 §13.2). */
export class AckReceiver {
  constructor(_options: AckReceiverOptions) {
    throw new Error('not yet');
  }
  /** The largest packet number received, -1 for none. */
  get largest(): number {
    throw new Error('not yet');
  }
  /** Ask before the frames are processed; numbers too old to be remembered count as duplicates (RFC 9000 §12.3). */
  isDuplicate(_packetNumber: number): boolean {
    throw new Error('not yet');
  }
  /**
   * A packet was authenticated and its frames processed.
   *
   * @param ecn codepoint of its datagram, 0 to 3 (1 is ECT(1), 2 is ECT(0), 3 is CE)
   */
  onPacket(_packetNumber: number, _ackEliciting: boolean, _ecn: number, _now: TimeUs): void {
    throw new Error('not yet');
  }
  /** An ACK is to be sent now, with or without anything else. */
  due(_now: TimeUs): boolean {
    throw new Error('not yet');
  }
  /** Something new could be acknowledged, so that an ACK may ride on a packet that goes anyway. */
  get pending(): boolean {
    throw new Error('not yet');
  }
  /** When `due` becomes true by itself. */
  deadline(): TimeUs {
    throw new Error('not yet');
  }
  /**
   * Writes an ACK frame and takes it as sent; as many ranges as fit.
   *
   * @returns the offset behind it, `at` itself when not even one range fits. The packet's log wants
   * `FrameKind.ack` with a = `largest`, b = the space.
   */
  writeFrame(_buffer: Uint8Array, _at: number, _end: number, _now: TimeUs): number {
    throw new Error('not yet');
  }
  /** The packet with our ACK of `largest` was acknowledged: what it said need not be repeated (RFC 9000 §13.2.4). */
  onAckAcked(_largest: number): void {
    throw new Error('not yet');
  }
}
