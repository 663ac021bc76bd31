import { RangeSet } from '../ranges.ts';

/** How many streams of one type the peer may open (RFC 9000 §4.6). Streams are counted, not numbered, here. */
export class PeerStreams {
  /** The count last advertised. */
  limit: number;
  /** Streams 0 to opened - 1 exist or have existed: opening one opens all below (§3.2). */
  opened = 0;
  /** MAX_STREAMS is to be sent. */
  updateDue = false;
  /** Those that are over. As many ranges as streams are open, plus one: the gaps between them are the open ones. */
  readonly closed: RangeSet = new RangeSet(Number.POSITIVE_INFINITY);

  readonly #concurrent: number;
  #closedCount = 0;

  constructor(concurrent: number) {
    this.limit = concurrent;
    this.#concurrent = concurrent;
  }

  /** Streams open now. */
  get openCount(): number {
    return this.opened - this.#closedCount;
  }

  /** A quarter of the streams allowed at once is worth a frame. */
  onClosed(index: number): void {
    this.closed.add(index);
    this.#closedCount++;
    if (4 * (this.#closedCount + this.#concurrent - this.limit) >= this.#concurrent) this.updateDue = true;
  }

  /** The peer says that it waits: what there is to give is given now. */
  onBlocked(): void {
    if (this.#closedCount + this.#concurrent > this.limit) this.updateDue = true;
  }

  /** The count to advertise now; it counts as advertised. */
  renew(): number {
    this.limit = Math.max(this.limit, this.#closedCount + this.#concurrent);
    this.updateDue = false;
    return this.limit;
  }
}

/** How many streams of one type we may open (RFC 9000 §4.6). */
export class LocalStreams {
  /** The peer's count, 0 until it is known. */
  limit = 0;
  opened = 0;
  /** An attempt failed: the application is told when it would succeed. */
  wanted = false;
  /** STREAMS_BLOCKED is to be sent; once a limit (§19.14). */
  blockedDue = false;
  /** The limit that STREAMS_BLOCKED has named, -1 for none. */
  blockedAt = -1;
  readonly closed: RangeSet = new RangeSet(Number.POSITIVE_INFINITY);

  /** @returns the new stream's index, -1 when the limit allows none */
  open(): number {
    if (this.opened < this.limit) return this.opened++;
    this.wanted = true;
    if (this.blockedAt < this.limit) this.blockedDue = true;
    return -1;
  }

  /** @returns whether the limit grew */
  raise(limit: number): boolean {
    if (limit <= this.limit) return false;
    this.limit = limit;
    return true;
  }
}
