import type { TimeUs } from '../../contract.ts';
import type { FrameKind } from './frame-kind.ts';

/** What was sent in one packet number space and is not yet settled. */
export class SentPackets {
  /** The next packet number to use, unless one is to be skipped. */
  get nextPacketNumber(): number {
    throw new Error('not yet');
  }

  /** Room for one more packet with this many frame records; else nothing may be sent until something is settled. */
  hasRoom(_frames: number): boolean {
    throw new Error('not yet');
  }

  /**
   * Starts the record of a packet. Numbers between the last one and this one count as skipped: a peer that acknowledges
   * one of them breaks the protocol (RFC 9000 §13.1, §21.4).
   */
  begin(_packetNumber: number): void {
    throw new Error('not yet');
  }

  /** Notes one frame of the packet that was begun. */
  frame(_kind: FrameKind, _a: number, _b: number, _c: number): void {
    throw new Error('not yet');
  }

  /** Frames noted since `begin`. */
  get pendingFrames(): number {
    throw new Error('not yet');
  }

  /** Forgets the packet that was begun: it will not be sent, its number stays free. */
  abandon(): void {
    throw new Error('not yet');
  }

  /** The packet leaves. Use `Recovery.onPacketSent`, which calls this. */
  commit(_now: TimeUs, _bytes: number, _flags: number, _path: number): void {
    throw new Error('not yet');
  }
}
