const USUAL = 2;
/** One packet back for 64 received: a full GRO batch of the kernel, between quinn (21) and msquic (90). */
const MOST = 64;
/** ACKs closer together than this are a high rate: 2,000 packets/s at two packets an ACK. */
const CLOSE_US = 1000;
/** While ACKs are rare, what waits for one waits this long at most: the end of a flight must not wait max_ack_delay. */
const SHORT_DELAY_US = 1000;
const LEAST_PATIENCE = 16;
const MOST_PATIENCE = 256;

/**
 * How many ack-eliciting packets one ACK frame is sent for. RFC 9000 §13.2.2 recommends two and allows for more where
 * one knows better: at high rates most of a receiver's work would be ACKs that tell the sender nothing in time.
 *
 * - It begins with two. After 16 ACKs in a row that followed each other within 1 ms the number doubles, up to 64.
 * - When the timer, not the number, brings an ACK about, the sender has no more in flight than that (its window is
 *   small, or it paused): the number halves, and the next rise takes twice as many ACKs (at most 256), so that a sender
 *   with a small window is not slowed again and again.
 * - Above two the timer is 1 ms instead of max_ack_delay.
 * - Gaps, reordering and CE bring an ACK at once whatever the number (§13.2.1).
 */
export class AckFrequency {
  /** Ack-eliciting packets for each ACK. */
  ackEvery = USUAL;
  #close = 0;
  #patience = LEAST_PATIENCE;
  readonly #maxDelayUs: number;

  constructor(maxDelayUs: number) {
    this.#maxDelayUs = maxDelayUs;
  }

  /** How long one packet may wait for its ACK. */
  get delayUs(): number {
    return this.ackEvery > USUAL ? Math.min(SHORT_DELAY_US, this.#maxDelayUs) : this.#maxDelayUs;
  }

  /** An ACK went because enough packets had come, so many microseconds after the one before. */
  onEnough(sinceLastUs: number): void {
    if (sinceLastUs > CLOSE_US) {
      this.#close = 0;
      return;
    }
    this.#close++;
    if (this.#close < this.#patience || this.ackEvery >= MOST) return;
    this.#close = 0;
    this.#patience = Math.max(LEAST_PATIENCE, this.#patience / 2);
    this.ackEvery *= 2;
  }

  /** An ACK went because the timer ran out. */
  onTimer(): void {
    this.#close = 0;
    if (this.ackEvery === USUAL) return;
    this.ackEvery /= 2;
    this.#patience = Math.min(MOST_PATIENCE, this.#patience * 2);
  }
}
