import type { TimeUs } from '../contract.ts';
import type { Leases } from './leases.ts';
import { LEAST_WINDOW_US } from './options.ts';
import type { Peers } from './peers.ts';

/** A worker that was stopped, and reaches no majority, serves all the same after so long. */
const FAIL_STATIC_US = 1_000_000;

export interface OwnLeaseParts {
  readonly peers: Peers;
  readonly leases: Leases;
  /** We were stopped for so long (SIGSTOP, a machine that sleeps). */
  readonly resumed: (gapUs: number, now: TimeUs) => void;
}

/** Our own lease, and whether we may serve: not by our own word, nor after we were stopped, until we hold it again. */
export class OwnLease {
  /** We serve nobody, and say so. */
  yields = false;
  readonly #parts: OwnLeaseParts;
  /** When we had our last turn. */
  #turn: TimeUs;
  #stoppedAt: TimeUs | undefined;

  constructor(parts: OwnLeaseParts, now: TimeUs) {
    this.#parts = parts;
    this.#turn = now;
  }

  /** As `Leases.leaseUntil`; in the past while we serve nobody. */
  until(): TimeUs {
    return this.yields ? 0 : this.#parts.leases.leaseUntil();
  }

  isHeld(now: TimeUs): boolean {
    return this.until() > now;
  }

  /** We have a turn: it shows whether we were stopped before. */
  turn(now: TimeUs): void {
    const { peers, resumed } = this.#parts;
    const gap = now - this.#turn;
    this.#turn = Math.max(this.#turn, now);
    if (gap < LEAST_WINDOW_US || peers.size === 0 || gap < 4 * peers.intervalUs) return;
    this.#stoppedAt = now;
    resumed(gap, now);
  }

  /** As `Mesh.mayServe`. */
  mayServe(now: TimeUs): boolean {
    this.turn(now);
    if (this.yields) return false;
    if (this.#stoppedAt === undefined) return true;
    const isCutOff = now - this.#stoppedAt >= FAIL_STATIC_US && !this.#parts.leases.reachesMajority(now);
    if (!isCutOff && !this.isHeld(now)) return false;
    this.#stoppedAt = undefined;
    return true;
  }
}
