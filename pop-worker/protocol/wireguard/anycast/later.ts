import { NEVER, type TimeUs } from '../../contract.ts';
import { INITIATION_INTERVAL_US } from '../limits.ts';
import type { Peer } from '../peer.ts';

/** A peer takes no initiation so soon after another one, and clocks and queues are not exact. */
const PAUSE_US = INITIATION_INTERVAL_US + 10_000;

/** Handshakes with sources that have just answered an initiation of another worker: they come a moment later. */
export class Later {
  readonly #waiting: { readonly peer: Peer; readonly at: TimeUs }[] = [];

  /** When the first is due. */
  get first(): TimeUs {
    return this.#waiting[0]?.at ?? NEVER;
  }

  add(peer: Peer, now: TimeUs): void {
    this.#waiting.push({ peer, at: now + PAUSE_US });
  }

  take(now: TimeUs): Peer | undefined {
    return this.first <= now ? this.#waiting.shift()?.peer : undefined;
  }
}
