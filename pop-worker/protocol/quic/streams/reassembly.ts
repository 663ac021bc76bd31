import { copyBytes } from '../copy.ts';
import { type QuicError, remoteError, TransportError } from '../errors.ts';
import { RangeSet } from '../ranges.ts';
import { FrameType } from '../wire/frames/frame-type.ts';

/** Bytes that came early are kept in blocks of this size. */
export const BLOCK_BYTES = 4096;
const KEPT_BLOCKS = 64;
/** Most streams come in order and never keep one: nobody writes to this. */
const NO_BLOCKS: Map<number, Uint8Array> = new Map();
/** Gaps that one stream may have. Beyond, the peer is not sending a stream but spending our memory. */
export const MAX_EARLY_RANGES = 4096;

/** Blocks to use again; one for each connection. */
export class BlockPool {
  readonly #free: Uint8Array[] = [];
  /** Blocks in use. */
  inUse = 0;

  take(): Uint8Array {
    this.inUse++;
    return this.#free.pop() ?? new Uint8Array(BLOCK_BYTES);
  }

  give(block: Uint8Array): void {
    this.inUse--;
    if (this.#free.length < KEPT_BLOCKS) this.#free.push(block);
  }
}

export interface InOrderSink {
  /** Bytes in order; lent. It may call `discard` from inside when it wants no more. */
  deliver(buffer: Uint8Array, start: number, end: number): void;
}

/**
 * Puts a stream in order (RFC 9000 §2.2). What comes in order passes straight through; what comes early is copied into
 * blocks until the gap closes. Each byte is delivered once; where copies differ, which one counts is not defined.
 *
 * Memory: blocks that hold at least one early byte, so at most the window (which the caller enforces) rounded up by two
 * blocks, and 16 bytes for each of at most 4096 ranges.
 */
export class Reassembly {
  /** Offset behind the last delivered byte. */
  delivered = 0;
  readonly #pool: BlockPool;
  readonly #early: RangeSet = new RangeSet(Number.POSITIVE_INFINITY);
  /** Blocks by offset / BLOCK_BYTES. */
  #blocks: Map<number, Uint8Array> = NO_BLOCKS;

  constructor(pool: BlockPool) {
    this.#pool = pool;
  }

  /** Bytes wait for a gap to close. */
  get hasGap(): boolean {
    return this.#early.count > 0;
  }

  /** @throws QuicError remote INTERNAL_ERROR when there are too many gaps */
  receive(offset: number, buffer: Uint8Array, start: number, end: number, sink: InOrderSink): void {
    const behind = offset + (end - start);
    if (behind <= this.delivered) return;
    if (offset > this.delivered) {
      this.#keep(offset, buffer, start, end);
      return;
    }
    const before = this.delivered;
    const from = start + (before - offset);
    this.delivered = behind;
    sink.deliver(buffer, from, end);
    if (this.#early.count === 0) return;
    this.#drain(sink);
    this.#tidy(before);
  }

  /** Forgets what came early. */
  discard(): void {
    for (const block of this.#blocks.values()) this.#pool.give(block);
    this.#blocks = NO_BLOCKS;
    this.#early.clear();
  }

  /** For another stream. */
  reuse(): void {
    if (this.#early.count > 0 || this.#blocks.size > 0) this.discard();
    this.delivered = 0;
  }

  #keep(offset: number, buffer: Uint8Array, start: number, end: number): void {
    if (!this.#early.addRange(offset, offset + (end - start) - 1)) return;
    if (this.#early.count > MAX_EARLY_RANGES) throw tooManyGaps();
    let from = start;
    let to = offset;
    while (from < end) {
      const index = Math.floor(to / BLOCK_BYTES);
      const at = to - index * BLOCK_BYTES;
      const n = Math.min(BLOCK_BYTES - at, end - from);
      let block = this.#blocks.get(index);
      if (block === undefined) {
        block = this.#pool.take();
        if (this.#blocks === NO_BLOCKS) this.#blocks = new Map();
        this.#blocks.set(index, block);
      }
      copyBytes(block, at, buffer, from, from + n);
      from += n;
      to += n;
    }
  }

  /** The gap at `delivered` may have closed. */
  #drain(sink: InOrderSink): void {
    for (;;) {
      const until = this.#early.coveredUntil(this.delivered) + 1;
      if (until === 0) return;
      const index = Math.floor(this.delivered / BLOCK_BYTES);
      const base = index * BLOCK_BYTES;
      const from = this.delivered - base;
      const to = Math.min(until - base, BLOCK_BYTES);
      this.delivered = base + to;
      sink.deliver(this.#blocks.get(index) as Uint8Array, from, to);
      if (to === BLOCK_BYTES) this.#giveBack(index);
    }
  }

  #giveBack(index: number): void {
    const block = this.#blocks.get(index);
    if (block === undefined) return;
    this.#blocks.delete(index);
    this.#pool.give(block);
  }

  /** Lets go what lies below `delivered`: a frame may have covered whole blocks. */
  #tidy(before: number): void {
    this.#early.removeBelow(this.delivered);
    if (this.#early.count === 0) {
      this.discard();
      return;
    }
    const first = Math.floor(this.delivered / BLOCK_BYTES);
    for (let index = Math.floor(before / BLOCK_BYTES); index < first; index++) this.#giveBack(index);
  }
}

const tooManyGaps = (): QuicError =>
  remoteError(TransportError.internalError, 'too many gaps in a stream', FrameType.stream);
