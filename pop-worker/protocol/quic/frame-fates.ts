import type { TimeUs } from '../contract.ts';
import type { Parts } from './parts.ts';
import { FrameKind } from './recovery/frame-kind.ts';
import type { RecoverySink, Space } from './recovery/recovery.ts';

/** What becomes of frames that were sent (RFC 9000 §13.3): told to whoever owns them. */
export class FrameFates implements RecoverySink {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  frameAcked(space: Space, kind: FrameKind, a: number, b: number, c: number): void {
    const parts = this.#parts;
    if (kind === FrameKind.ack) parts.spaces[space].ack.onAckAcked(a);
    else if (kind === FrameKind.crypto) parts.spaces[space].crypto.frameAcked(a, b);
    else if (kind >= FrameKind.newConnectionId) parts.control.frameAcked(kind, a);
    else parts.streams.frameAcked(kind, a, b, c);
  }

  frameLost(space: Space, kind: FrameKind, a: number, b: number, c: number): void {
    const parts = this.#parts;
    if (kind === FrameKind.crypto) parts.spaces[space].crypto.frameLost(a, b);
    else if (kind >= FrameKind.newConnectionId) parts.control.frameLost(kind, a);
    else parts.streams.frameLost(kind, a, b, c);
  }

  frameProbe(space: Space, kind: FrameKind, a: number, b: number, c: number): void {
    const parts = this.#parts;
    if (kind === FrameKind.crypto) parts.spaces[space].crypto.frameLost(a, b);
    else if (kind >= FrameKind.newConnectionId) parts.control.frameLost(kind, a);
    else parts.streams.frameProbe(kind, a, b, c);
  }

  packetLost(space: Space, packetNumber: number, isMtuProbe: boolean, byReordering: boolean, now: TimeUs): void {
    this.#parts.observer?.packetLost(space, packetNumber, isMtuProbe, byReordering, now);
  }

  mtuChanged(_datagramBytes: number): void {}
}
