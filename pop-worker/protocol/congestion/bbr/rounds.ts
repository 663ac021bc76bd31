/** Packet-timed round trips (draft-ietf-ccwg-bbr-06 §5.5.1), and whether the window held the flow back in them. */
export class Rounds {
  /** This ACK ends a round. */
  start = false;
  count = 0;
  /** Rounds since the latest probe for bandwidth ended; a probe's end sets it to 0 or 1. */
  sinceProbe = 0;
  #nextDelivered = 0;
  #limited = false;
  #limitedBefore = false;

  /** UpdateRound(). @param priorDelivered C.delivered when the newest acknowledged packet left @param delivered C.delivered now */
  update(priorDelivered: number, delivered: number): void {
    this.start = priorDelivered >= this.#nextDelivered;
    if (!this.start) return;
    this.begin(delivered);
    this.count++;
    this.sinceProbe++;
    this.#limitedBefore = this.#limited;
    this.#limited = false;
  }

  /** StartRound(): what leaves from now on ends the round. */
  begin(delivered: number): void {
    this.#nextDelivered = delivered;
  }

  /** A packet leaves and fills the window. */
  onWindowFull(): void {
    this.#limited = true;
  }

  /** C.is_cwnd_limited: the window was full in this round or the one before. A paced flow fills it for moments only. */
  get windowLimited(): boolean {
    return this.#limited || this.#limitedBefore;
  }
}
