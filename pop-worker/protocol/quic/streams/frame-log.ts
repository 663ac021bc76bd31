import type { FrameKind } from '../recovery/frame-kind.ts';

/** Where a packet's frames are noted; `SentPackets` of recovery is one. */
export interface FrameLog {
  frame(kind: FrameKind, a: number, b: number, c: number): void;
}
