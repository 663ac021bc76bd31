import { copyBytes } from '../copy.ts';
import { RangeSet } from '../ranges.ts';

const NOTHING = new Uint8Array(0);
const COMPACT_AT = 64;

/**
 * Bytes on their way out, by reference to the chunks that the application gave: what is queued, sent, lost and
 * acknowledged. A chunk is let go when all before and in it is acknowledged. In order (append, send, acknowledge) every
 * step is O(1) and allocates nothing; ranges exist only where something was lost or acknowledged out of order.
 */
export class SendBuffer {
  /** Offset behind the last queued byte. */
  end = 0;
  /** Offset behind the last byte sent for the first time. */
  sent = 0;
  /** All below is acknowledged. */
  acked = 0;
  /** Sent, deemed lost, not acknowledged. As many ranges as packets in flight at most. */
  readonly lost: RangeSet = new RangeSet(Number.POSITIVE_INFINITY);

  /** Acknowledged beyond `acked`. */
  readonly #ackedAhead: RangeSet = new RangeSet(Number.POSITIVE_INFINITY);
  /** Chunks from #head on, and the offset at which each begins. */
  readonly #chunks: Uint8Array[] = [];
  readonly #starts: number[] = [];
  #head = 0;
  /** The chunk that was read last: a hint, which may be wrong after chunks were let go. */
  #cursor = 0;

  /** Takes the chunk over until it is acknowledged. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#starts.push(this.end);
    this.end += chunk.length;
  }

  /** Chunks held, for tests and gauges. */
  get chunkCount(): number {
    return this.#chunks.length - this.#head;
  }

  /** Everything queued has been acknowledged. */
  get isSettled(): boolean {
    return this.acked === this.end;
  }

  /** Copies `length` queued bytes from `offset` on, which must not be acknowledged yet. */
  copyInto(buffer: Uint8Array, at: number, offset: number, length: number): void {
    let i = this.#find(offset);
    let from = offset - (this.#starts[i] as number);
    let to = at;
    let left = length;
    while (left > 0) {
      const chunk = this.#chunks[i] as Uint8Array;
      const n = Math.min(left, chunk.length - from);
      copyBytes(buffer, to, chunk, from, from + n);
      to += n;
      left -= n;
      from = 0;
      if (left > 0) i++;
    }
    this.#cursor = i;
  }

  /** The bytes are in a packet: either the next new ones, or some that were lost. */
  onSent(offset: number, length: number): void {
    if (offset === this.sent) this.sent += length;
    else if (length > 0) this.lost.removeRange(offset, offset + length - 1);
  }

  onAcked(offset: number, length: number): void {
    const end = offset + length;
    if (length === 0 || end <= this.acked || end > this.sent) return;
    if (this.lost.count > 0) this.lost.removeRange(offset, end - 1);
    if (offset > this.acked) {
      this.#ackedAhead.addRange(offset, end - 1);
      return;
    }
    this.acked = end;
    const ahead = this.#ackedAhead;
    if (ahead.count > 0) {
      const covered = ahead.coveredUntil(end);
      if (covered >= 0) this.acked = covered + 1;
      ahead.removeBelow(this.acked);
    }
    this.#letGo();
  }

  /** What of it is not acknowledged must be sent again. @returns whether there is any such */
  onLost(offset: number, length: number): boolean {
    const end = Math.min(offset + length, this.sent);
    let from = Math.max(offset, this.acked);
    let any = false;
    while (from < end) {
      const covered = this.#ackedAhead.coveredUntil(from);
      if (covered >= 0) {
        from = covered + 1;
        continue;
      }
      const until = Math.min(this.#ackedAhead.nextLow(from), end);
      this.lost.addRange(from, until - 1);
      any = true;
      from = until;
    }
    return any;
  }

  /** As if nothing had been sent; nothing may be acknowledged. */
  rewind(): void {
    this.sent = this.acked;
    this.lost.clear();
    this.#ackedAhead.clear();
  }

  /** Lets all chunks go; offsets stay. What was queued and not sent is as if it had never been. */
  discard(): void {
    this.#empty();
    this.#cursor = 0;
    this.lost.clear();
    this.#ackedAhead.clear();
    this.end = this.sent;
    this.acked = this.sent;
  }

  /** For another stream. */
  reuse(): void {
    this.discard();
    this.end = 0;
    this.sent = 0;
    this.acked = 0;
  }

  #letGo(): void {
    const chunks = this.#chunks;
    while (this.#head < chunks.length) {
      const chunk = chunks[this.#head] as Uint8Array;
      if ((this.#starts[this.#head] as number) + chunk.length > this.acked) break;
      chunks[this.#head++] = NOTHING;
    }
    if (this.#head === chunks.length) this.#empty();
    else if (this.#head >= COMPACT_AT && 2 * this.#head >= chunks.length) this.#compact();
  }

  /** Mostly of one chunk. To set an array's length is a call into V8's run time, `pop` is not. */
  #empty(): void {
    while (this.#chunks.length > 0) {
      this.#chunks.pop();
      this.#starts.pop();
    }
    this.#head = 0;
  }

  #compact(): void {
    const head = this.#head;
    this.#chunks.copyWithin(0, head);
    this.#starts.copyWithin(0, head);
    this.#chunks.length -= head;
    this.#starts.length -= head;
    this.#head = 0;
  }

  /** The chunk that has this offset: the last one read, the one after it, or searched for. */
  #find(offset: number): number {
    const starts = this.#starts;
    let i = Math.max(this.#cursor, this.#head);
    if (i < starts.length && offset >= (starts[i] as number)) {
      const end = (starts[i] as number) + (this.#chunks[i] as Uint8Array).length;
      if (offset < end) return i;
      if (offset === end) return i + 1;
    }
    let from = this.#head;
    let to = starts.length - 1;
    while (from < to) {
      i = (from + to + 1) >>> 1;
      if ((starts[i] as number) <= offset) from = i;
      else to = i - 1;
    }
    return from;
  }
}
