import type { FrameKind } from '../../recovery/frame-kind.ts';
import type { FrameLog } from '../frame-log.ts';

export type FrameRecord = readonly [kind: FrameKind, a: number, b: number, c: number];

/** Keeps the records of one packet. */
export class ArrayLog implements FrameLog {
  readonly frames: FrameRecord[] = [];

  frame(kind: FrameKind, a: number, b: number, c: number): void {
    this.frames.push([kind, a, b, c]);
  }
}
