/**
 * The Poll Sequence of one session (RFC 5880 §6.5): P is set on what is sent anyway, until a packet with F comes. What
 * changes after the first P left needs another sequence, which begins once a packet without F has come, so that an F that
 * is late is not taken for its answer (§6.8.3, third choice).
 */
export class PollSequence {
  /** What is sent next has the P bit. */
  active = false;
  #sent = false;
  #settling = false;
  #again = false;

  /** Something changed that the peer must know. */
  request(): void {
    if ((this.active && this.#sent) || this.#settling) this.#again = true;
    else this.active = true;
  }

  /** A packet with P left. */
  onSent(): void {
    this.#sent = true;
  }

  /** A packet with F came. @returns whether the peer now knows all there is to know */
  onFinal(): boolean {
    if (!this.active || !this.#sent) return false;
    this.active = false;
    this.#sent = false;
    this.#settling = true;
    return !this.#again;
  }

  /** A packet without F came. */
  onPlain(): void {
    this.#settling = false;
    if (this.active || !this.#again) return;
    this.#again = false;
    this.active = true;
  }
}
