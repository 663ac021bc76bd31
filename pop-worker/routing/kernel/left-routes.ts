import { setImmediate as nextTurn } from 'node:timers/promises';
import type { NetlinkRequests } from '#host/netlink/requests.ts';
import { readLeftRoutes } from './kernel-state.ts';
import type { Ownership } from './ownership.ts';
import { Errno, reasonOf } from './reason.ts';

/** As many as a slice of the other work has. */
const MOST_AT_ONCE = 512;

/**
 * Removes what an earlier process has left in tables that are not wanted any more.
 *
 * @param isOver asked between slices: it is not wanted any longer
 * @returns how many routes it was
 * @throws KernelRefusal, NetlinkOverrun, or an Error with why the kernel refused one
 */
const removeLeftRoutes = async (requests: NetlinkRequests, own: Ownership, isOver: () => boolean): Promise<number> => {
  const left = await readLeftRoutes(requests, own);
  let refusedFor: string | undefined;
  let refused = 0;
  for (let at = 0; at < left.length && !isOver(); at += MOST_AT_ONCE) {
    requests.batch(
      (add) => {
        // To remove it, whatever it leads to.
        for (const route of left.slice(at, at + MOST_AT_ONCE))
          add('route', 'deleted', 0, { ...route, type: 0, nextHop: 0 });
      },
      (refusal) => {
        if (refusal.errno === Errno.esrch) return;
        refused++;
        refusedFor = reasonOf(refusal);
      },
    );
    await nextTurn();
  }
  if (refusedFor !== undefined) throw new Error(`${refused} routes that were left cannot be removed: ${refusedFor}`);
  return left.length;
};

/** Until what went wrong is tried again. */
const RETRY_MS = 5000;

/** Sweeps tables that an earlier process used, until nothing of it is left. */
export class LeftRoutes {
  readonly #requests: NetlinkRequests;
  readonly #own: Ownership;
  readonly #counts: { removed: number };
  readonly #ended: (error?: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;
  isBusy = false;

  /** @param counts where removed routes are counted @param ended what failed is tried again */
  constructor(
    requests: NetlinkRequests,
    own: Ownership,
    counts: { removed: number },
    ended: (error?: unknown) => void,
  ) {
    this.#requests = requests;
    this.#own = own;
    this.#counts = counts;
    this.#ended = ended;
  }

  async sweep(): Promise<void> {
    this.isBusy = true;
    let fault: unknown;
    try {
      const removed = await removeLeftRoutes(this.#requests, this.#own, () => this.#isClosed);
      this.#counts.removed += removed;
    } catch (error) {
      fault = error;
    }
    this.isBusy = false;
    if (this.#isClosed) return;
    if (fault !== undefined) this.#timer = setTimeout(() => void this.sweep(), RETRY_MS).unref();
    this.#ended(fault);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }
}
