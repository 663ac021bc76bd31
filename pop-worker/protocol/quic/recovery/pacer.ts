import type { TimeUs } from '../../contract.ts';

/** Spreads packets over time (RFC 9002 §7.7). */
export class Pacer {
  /** Microseconds to wait until this many bytes may leave, 0 for now. */
  delayUntil(_now: TimeUs, _bytes: number): number {
    throw new Error('not yet');
  }
}
