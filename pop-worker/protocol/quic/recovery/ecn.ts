import type { AckFrame } from './ack-frame.ts';

/** RFC 9000 §A.4. `off`: nothing is marked on purpose. */
export type EcnState = 'off' | 'testing' | 'unknown' | 'capable' | 'failed';

/** ECN codepoints of an IP header (RFC 3168 §5). */
export const NOT_ECT = 0;
export const ECT1 = 1;
export const ECT0 = 2;
export const CE = 3;

/** RFC 9000 §13.4.2: marked packets after which the test of a path waits for its outcome. */
const TEST_PACKETS = 10;

/** What of ECN goes on in a packet number space whatever path is in use: counts only grow (RFC 9000 §13.4.1). */
export interface EcnCounts {
  /** Packets that left with ECT(0). */
  marked: number;
  /** The peer's counts in the latest ACK frame that was processed. */
  ect0: number;
  ce: number;
}

export interface EcnTally {
  ecnCapable: number;
  ecnFailed: number;
}

/**
 * Whether a path carries ECN marks (RFC 9000 §13.4.2, §A.4). The first ten packets are marked; once some of them are
 * acknowledged with counts that add up, all are. Counts that do not add up end it for this path, and so does the loss of
 * all that was marked, and CE on everything that the test sent: congestion is never that thorough, a broken device is.
 */
export class EcnValidation {
  readonly #tally: EcnTally;
  #state: EcnState;
  #sent = 0;
  #acked = 0;
  #lost = 0;
  #ce = 0;

  /** @param tally counts how tests of paths end */
  constructor(enabled: boolean, tally: EcnTally) {
    this.#state = enabled ? 'testing' : 'off';
    this.#tally = tally;
  }

  get state(): EcnState {
    return this.#state;
  }

  /** What the next datagram on this path is to be marked with. */
  get codepoint(): number {
    return this.#state === 'testing' || this.#state === 'capable' ? ECT0 : NOT_ECT;
  }

  /** A marked packet left on this path. */
  onSent(counts: EcnCounts): void {
    counts.marked++;
    this.#sent++;
    if (this.#state === 'testing' && this.#sent >= TEST_PACKETS) this.#endTest();
  }

  /** A marked packet is deemed lost. */
  onLost(): void {
    this.#lost++;
    if (this.#state === 'unknown' && this.#acked === 0 && this.#lost >= this.#sent) this.#fail();
  }

  /** Nothing comes back: if it is because of the marks, the next packets are to go without. */
  onProbeTimeout(): void {
    if (this.#state === 'testing' && this.#acked === 0 && this.#sent > 0) this.#state = 'unknown';
  }

  #endTest(): void {
    if (this.#acked === 0) this.#state = 'unknown';
    else if (this.#ce >= TEST_PACKETS && this.#ce >= this.#acked) this.#fail();
    else {
      this.#state = 'capable';
      this.#tally.ecnCapable++;
    }
  }

  #fail(): void {
    this.#state = 'failed';
    this.#tally.ecnFailed++;
  }

  /**
   * An ACK frame (RFC 9000 §13.4.2.1).
   *
   * @param newlyAcked packets that left marked on this path and that it acknowledges for the first time
   * @param largestGrew it raised the largest acknowledged number; the counts of others may be stale
   * @returns by how much ECN-CE grew, 0 when the counts are not to be trusted
   */
  onAck(counts: EcnCounts, frame: AckFrame, newlyAcked: number, largestGrew: boolean): number {
    if (this.#state === 'off' || this.#state === 'failed') return 0;
    if (!largestGrew || (!frame.hasEcn && newlyAcked === 0)) {
      this.#acked += newlyAcked;
      return 0;
    }
    const ect0 = frame.ect0 - counts.ect0;
    const ce = frame.ce - counts.ce;
    const invented = frame.ect1 > 0 || frame.ect0 + frame.ce > counts.marked;
    if (!frame.hasEcn || invented || ect0 < 0 || ce < 0 || ect0 + ce < newlyAcked) {
      this.#fail();
      return 0;
    }
    counts.ect0 = frame.ect0;
    counts.ce = frame.ce;
    this.#acked += newlyAcked;
    this.#ce += ce;
    if (this.#state === 'unknown' && this.#acked > 0) this.#endTest();
    return this.#state === 'capable' || this.#state === 'testing' ? ce : 0;
  }
}
