import type { TimeUs } from '../../contract.ts';
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
  /**
   * A packet is deemed lost; what it carried follows.
   *
   * @param byReordering later packets were acknowledged; else it took too long (RFC 9002 §6.1)
   */
  packetLost(space: Space, packetNumber: number, isMtuProbe: boolean, byReordering: boolean, now: TimeUs): void;
  /** The largest datagram that the path takes has changed. */
  mtuChanged(datagramBytes: number): void;
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
  /** Packets of ours that the peer says were marked ECN-CE, as far as it is believed (RFC 9000 §13.4.2). */
  ecnCe: number;
  /** Paths of which it turned out that they bear ECN, or do not (RFC 9000 §13.4.2). */
  ecnCapable: number;
  ecnFailed: number;
}

export const recoveryStats = (): RecoveryStats => ({
  packetsSent: 0,
  packetsAcked: 0,
  packetsLost: 0,
  bytesLost: 0,
  spuriousLosses: 0,
  probeTimeouts: 0,
  persistentCongestions: 0,
  ecnCe: 0,
  ecnCapable: 0,
  ecnFailed: 0,
});
