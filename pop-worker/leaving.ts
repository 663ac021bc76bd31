import { setTimeout as wait } from 'node:timers/promises';
import type { WorkerAnycast } from './anycast/worker-anycast.ts';
import type { DataPlane } from './data-plane.ts';

interface LeavingParts {
  readonly data: Pick<DataPlane, 'post' | 'collected'>;
  /** How long sessions may take by an order to drain. */
  readonly drainSeconds: number;
  /** Undefined: no routing leads devices here. */
  readonly anycast: () => Pick<WorkerAnycast, 'isAnnounced'> | undefined;
}

const SESSIONS_GONE_POLL_MS = 100;
/** Neighbours have another route by then, where there is one. */
const ROUTING_MS = 100;

/** How the sessions of a worker are let go: once routing leads elsewhere, for those that come back here at once would be refused. */
export class Leaving {
  readonly #parts: LeavingParts;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LeavingParts) {
    this.#parts = parts;
  }

  /** By an order, or no longer. */
  drain(isDraining: boolean): void {
    this.cancel();
    const { data, drainSeconds, anycast } = this.#parts;
    if (!isDraining) data.post({ type: 'undrain' });
    else if (anycast() === undefined) this.#sendAway(1000 * drainSeconds);
    else this.#timer = setTimeout(() => this.#sendAway(1000 * drainSeconds), ROUTING_MS);
  }

  /** Nobody is told to go who has not been. */
  cancel(): void {
    clearTimeout(this.#timer);
  }

  /** As by an order to drain. Resolves once sessions are gone and nothing is announced any more, or the time is over. */
  async finish(graceMs: number): Promise<void> {
    const { data, anycast } = this.#parts;
    const end = performance.now() + graceMs;
    if (anycast()?.isAnnounced === true) await wait(ROUTING_MS);
    this.#sendAway(graceMs);
    for (; performance.now() < end; await wait(SESSIONS_GONE_POLL_MS)) {
      const { sessions, connections } = await data.collected();
      if (sessions + connections === 0 && anycast()?.isAnnounced !== true) return;
    }
  }

  /** @param graceMs half of it is theirs */
  #sendAway(graceMs: number): void {
    this.cancel();
    this.#parts.data.post({ type: 'drain', withinMs: graceMs / 2 });
  }
}
