import type { DeliveryColumns } from '#protocol/congestion/rate-sampler.ts';
import type { TimeUs } from '../../contract.ts';
import { localError, TransportError } from '../errors.ts';
import type { FrameKind } from './frame-kind.ts';
import { FrameLog } from './frame-log.ts';
import { PacketState } from './packet-flag.ts';
import { SkippedNumbers } from './skipped-numbers.ts';

const START_PACKETS = 16;
/** Eight-byte and four-byte columns of a slot. */
const SLOT_BYTES = 9 * 8 + 4 * 4;
/** Between columns, so that those of one slot are not all in one set of a cache. */
const GAP_BYTES = 64;
const COLUMNS = 13;
/** Columns before anything is sent, and after keys are discarded. */
const NO_FLOATS = new Float64Array(0);
const NO_INTS = new Int32Array(0);
/** Numbers that one `begin` may skip. */
const MAX_SKIP = 16;

/**
 * What was sent in one packet number space and is not yet settled: a ring of columns, one slot a packet number.
 *
 * - `base` is the oldest number that is remembered, `nextPacketNumber` the one to use next; the slot of a number is
 *   `slot(number)`.
 * - Lost packets stay for a while so that a late acknowledgement shows the loss to have been spurious.
 * - `#link` leads from an acknowledged number toward the next that is not: a union-find forest whose paths are halved
 *   on the way, so that ranges that were acknowledged long ago cost next to nothing to step over.
 */
export class SentPackets implements DeliveryColumns {
  sentTime: Float64Array = NO_FLOATS;
  delivered: Float64Array = NO_FLOATS;
  deliveredTime: Float64Array = NO_FLOATS;
  firstSentTime: Float64Array = NO_FLOATS;
  txInFlight: Float64Array = NO_FLOATS;
  lost: Float64Array = NO_FLOATS;
  /** When a packet was deemed lost. */
  lostTime: Float64Array = NO_FLOATS;
  /** `PacketFlag` and `PacketState` bits. */
  flags: Int32Array = NO_INTS;
  bytes: Int32Array = NO_INTS;
  path: Int32Array = NO_INTS;
  /** Index of the first record in `frames`, and how many. */
  firstFrame: Float64Array = NO_FLOATS;
  frameCount: Int32Array = NO_INTS;
  readonly frames: FrameLog;
  readonly skipped = new SkippedNumbers();
  /** The oldest number that is remembered. */
  base = 0;
  readonly #maxPackets: number;
  #link: Float64Array = NO_FLOATS;
  #mask = -1;
  #next = 0;
  #pending = -1;
  #pendingFirst = 0;

  /** @param maxPackets a power of two: numbers that are remembered at most; four times as many frame records */
  constructor(maxPackets: number) {
    this.#maxPackets = maxPackets;
    this.frames = new FrameLog(maxPackets * 4);
  }

  /** The next packet number to use, unless one is to be skipped. */
  get nextPacketNumber(): number {
    return this.#next;
  }

  /** Numbers that are remembered. */
  get count(): number {
    return this.#next - this.base;
  }

  /** Slots that the columns have now. */
  get capacity(): number {
    return this.#mask + 1;
  }

  slot(packetNumber: number): number {
    return packetNumber & this.#mask;
  }

  /** Room for one more packet with this many frame records; else nothing may be sent until something is settled. */
  hasRoom(frames: number): boolean {
    return this.count + MAX_SKIP < this.#maxPackets && this.frames.hasRoom(frames);
  }

  /** Little room is left: what can be forgotten should be. */
  get crowded(): boolean {
    return this.count * 8 > this.#maxPackets * 7 || !this.frames.hasRoom(this.#maxPackets >>> 1);
  }

  /**
   * Starts the record of a packet. Numbers between the last one and this one count as skipped: a peer that acknowledges
   * one of them breaks the protocol (RFC 9000 §13.1, §21.4).
   */
  begin(packetNumber: number): void {
    if (packetNumber < this.#next || packetNumber - this.#next >= MAX_SKIP) {
      throw localError(TransportError.internalError, `packet number ${packetNumber} cannot follow ${this.#next - 1}`);
    }
    this.abandon();
    this.#pending = packetNumber;
    this.#pendingFirst = this.frames.next;
  }

  /** Notes one frame of the packet that was begun. */
  frame(kind: FrameKind, a: number, b: number, c: number): void {
    this.frames.push(kind, a, b, c);
  }

  /** Frames noted since `begin`. */
  get pendingFrames(): number {
    return this.#pending < 0 ? 0 : this.frames.next - this.#pendingFirst;
  }

  /** Forgets the packet that was begun: it will not be sent, its number stays free. */
  abandon(): void {
    if (this.#pending < 0) return;
    this.frames.next = this.#pendingFirst;
    this.#pending = -1;
  }

  /** The packet leaves. `Recovery.onPacketSent` calls this. @returns its slot */
  commit(now: TimeUs, bytes: number, flags: number, path: number): number {
    const packetNumber = this.#pending;
    if (packetNumber < 0) throw localError(TransportError.internalError, 'a packet is sent that was not begun');
    const first = this.#pendingFirst;
    if (packetNumber > this.#next) {
      this.skipped.add(this.#next, packetNumber - 1);
      while (this.#next < packetNumber) this.#append(now, 0, PacketState.skipped, path, first, 0);
    }
    this.#pending = -1;
    return this.#append(now, bytes, flags, path, first, this.frames.next - first);
  }

  #append(now: TimeUs, bytes: number, flags: number, path: number, firstFrame: number, frameCount: number): number {
    if (this.#next - this.base > this.#mask) this.#grow();
    const packetNumber = this.#next++;
    const slot = packetNumber & this.#mask;
    this.sentTime[slot] = now;
    this.bytes[slot] = bytes;
    this.flags[slot] = flags;
    this.path[slot] = path;
    this.firstFrame[slot] = firstFrame;
    this.frameCount[slot] = frameCount;
    this.#link[slot] = (flags & PacketState.skipped) !== 0 ? packetNumber + 1 : packetNumber;
    return slot;
  }

  /** The first number from this one on that is neither acknowledged nor skipped; `nextPacketNumber` when there is none. */
  firstUnacked(from: number): number {
    const link = this.#link;
    const mask = this.#mask;
    const end = this.#next;
    let at = from;
    while (at < end) {
      const next = link[at & mask] as number;
      if (next === at) return at;
      if (next >= end) return end;
      const afterNext = link[next & mask] as number;
      link[at & mask] = afterNext;
      at = afterNext;
    }
    return end;
  }

  markAcked(packetNumber: number): void {
    const slot = packetNumber & this.#mask;
    this.flags[slot] = (this.flags[slot] as number) | PacketState.acked;
    this.#link[slot] = packetNumber + 1;
  }

  /**
   * Forgets the oldest packets as long as they are settled: acknowledged, skipped, or lost for long enough.
   *
   * @param lostBefore packets lost before this time will not be waited for any more
   */
  retire(lostBefore: TimeUs): void {
    const { flags, lostTime } = this;
    const mask = this.#mask;
    let base = this.base;
    while (base < this.#next) {
      const slot = base & mask;
      const state = flags[slot] as number;
      const over = (state & (PacketState.acked | PacketState.skipped)) !== 0;
      if (!over && ((state & PacketState.lost) === 0 || (lostTime[slot] as number) >= lostBefore)) break;
      base++;
    }
    this.#moveBase(base);
  }

  /** Forgets everything up to the next packet number. */
  clear(): void {
    this.abandon();
    this.#moveBase(this.#next);
  }

  /** Forgets everything and gives the memory back: the keys of the space are discarded. */
  release(): void {
    this.clear();
    this.#resize(0);
    this.frames.release();
  }

  #moveBase(base: number): void {
    this.base = base;
    const pendingOrNext = this.#pending < 0 ? this.frames.next : this.#pendingFirst;
    this.frames.base = base < this.#next ? (this.firstFrame[base & this.#mask] as number) : pendingOrNext;
  }

  #grow(): void {
    if (this.#mask + 1 >= this.#maxPackets) throw localError(TransportError.internalError, 'too many packets are out');
    this.#resize(Math.max(START_PACKETS, 2 * (this.#mask + 1)));
  }

  /** All columns in one piece of memory: a connection that is idle has few packets and much of what surrounds them. */
  #resize(size: number): void {
    const memory = new ArrayBuffer(size === 0 ? 0 : size * SLOT_BYTES + COLUMNS * GAP_BYTES);
    let at = 0;
    const floats = (old: Float64Array): Float64Array => {
      if (size === 0) return NO_FLOATS;
      const column = this.#moved(old, new Float64Array(memory, at, size));
      at += column.byteLength + GAP_BYTES;
      return column;
    };
    const ints = (old: Int32Array): Int32Array => {
      if (size === 0) return NO_INTS;
      const column = this.#moved(old, new Int32Array(memory, at, size));
      at += column.byteLength + GAP_BYTES;
      return column;
    };
    this.sentTime = floats(this.sentTime);
    this.delivered = floats(this.delivered);
    this.deliveredTime = floats(this.deliveredTime);
    this.firstSentTime = floats(this.firstSentTime);
    this.txInFlight = floats(this.txInFlight);
    this.lost = floats(this.lost);
    this.lostTime = floats(this.lostTime);
    this.flags = ints(this.flags);
    this.bytes = ints(this.bytes);
    this.path = ints(this.path);
    this.firstFrame = floats(this.firstFrame);
    this.frameCount = ints(this.frameCount);
    this.#link = floats(this.#link);
    this.#mask = size - 1;
  }

  #moved<Column extends Float64Array | Int32Array>(old: Column, grown: Column): Column {
    const oldMask = this.#mask;
    const mask = grown.length - 1;
    for (let n = this.base; n < this.#next; n++) grown[n & mask] = old[n & oldMask] as number;
    return grown;
  }
}
