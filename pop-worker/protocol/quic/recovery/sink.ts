import type { AckFrame } from './ack-frame.ts';
import type { FrameKind } from './frame-kind.ts';
import type { Space } from './packet-space.ts';

/** Whom Recovery tells what became of frames. Called from inside `onAckReceived`, `onTimeout`, `probe` and resets. */
export interface RecoverySink {
  /** A packet with this frame was acknowledged: at most once for each record, maybe after `frameLost`. */
  frameAcked(space: Space, kind: FrameKind, a: number, b: number, c: number): void;
  /** A packet with this frame is deemed lost: at most once for each record. */
  frameLost(space: Space, kind: FrameKind, a: number, b: number, c: number): void;
  /** A probe is due and this is unacknowledged: send it again if nothing newer is there to send (RFC 9002 §6.2.4). */
  frameProbe(space: Space, kind: FrameKind, a: number, b: number, c: number): void;
  /** The largest datagram that the path takes has changed. */
  mtuChanged(datagramBytes: number): void;
}

/** ECN validation (RFC 9000 §13.4.2). */
export interface EcnHook {
  /**
   * @param newlyAckedMarked packets sent with an ECT codepoint that this frame acknowledges for the first time
   * @param largestGrew the frame raised the largest acknowledged number (else counts may be stale, §13.4.2.1)
   * @returns how much ECN-CE grew, 0 when the counts are not to be trusted
   */
  onAck(space: Space, frame: AckFrame, newlyAckedMarked: number, largestGrew: boolean): number;
  /** A marked packet was lost. */
  onLost(space: Space): void;
}

/** Totals of a connection, for metrics. */
export interface RecoveryStats {
  packetsSent: number;
  packetsAcked: number;
  packetsLost: number;
  bytesLost: number;
  /** Packets that were acknowledged after they had been deemed lost. */
  spuriousLosses: number;
  probeTimeouts: number;
  persistentCongestions: number;
}
