import type { FenceKeeper } from '#dataplane/fence.ts';
import { Beats, type WatchedThread } from '#host/thread/beats.ts';
import type { CoreWait } from '#host/thread/core-wait.ts';
import type { TimeUs } from '#protocol/contract.ts';

export interface ServingParts {
  /** Data-plane threads. */
  readonly watched: readonly WatchedThread[];
  readonly fence: FenceKeeper;
  /** What tells how long a thread has waited for a core in all; undefined: nothing does. By default the kernel. */
  readonly waitsOf?: (thread: number) => Pick<CoreWait, 'totalUs' | 'close'> | undefined;
}

/**
 * Whether a worker serves: not while one of its data-plane threads hangs, nor before all have ended what they had then.
 * `look` at least every 25 ms.
 */
export class Serving {
  readonly #fence: FenceKeeper;
  readonly #beats: Beats;
  #serves = true;

  constructor({ watched, fence, waitsOf }: ServingParts, now: TimeUs) {
    this.#fence = fence;
    this.#beats = new Beats(watched, now, waitsOf);
  }

  look(now: TimeUs): boolean {
    this.#beats.look(now);
    const hangs = this.#beats.missing !== undefined;
    if (hangs && this.#serves) {
      this.#serves = false;
      this.#fence.giveUp();
    } else if (!hangs && this.#fence.isObeyed) this.#serves = true;
    return this.#serves;
  }

  close(): void {
    this.#beats.close();
  }
}
