import type { RemoteSession } from '../forward/remote-sessions.ts';

type Holder = Pick<RemoteSession, 'thread' | 'serial'>;

interface Known {
  readonly epoch: number;
  readonly holder: Holder;
  goneAt: number | undefined;
}

/** As long as presence remembers who is gone. */
const REMEMBERED_SECONDS = 600;

/** The latest epoch of each device that is somewhere, or was lately, as the mesh has told a thread. */
export class Epochs {
  readonly #known = new Map<string, Known>();
  /** Those that left, in the order of their leaving. */
  readonly #gone = new Set<string>();

  get size(): number {
    return this.#known.size;
  }

  /** @returns undefined when nothing is known of the device */
  of(key: string): number | undefined {
    return this.#known.get(key)?.epoch;
  }

  /** A session has the device since that epoch. Older news changes nothing. */
  note(key: string, epoch: number, { thread, serial }: Holder): void {
    const known = this.#known.get(key);
    if (known !== undefined && known.epoch > epoch) return;
    this.#known.set(key, { epoch, holder: { thread, serial }, goneAt: undefined });
    this.#gone.delete(key);
  }

  /** A session is over: if it was the latest, its device is nowhere. @param now seconds of any steady clock */
  left(key: string, { thread, serial }: Holder, now: number): void {
    const known = this.#known.get(key);
    if (known?.holder.thread !== thread || known.holder.serial !== serial || known.goneAt !== undefined) return;
    known.goneAt = now;
    this.#gone.add(key);
  }

  /** It is so late now: who left long ago is forgotten. */
  tick(now: number): void {
    for (const key of this.#gone) {
      const goneAt = this.#known.get(key)?.goneAt;
      if (goneAt !== undefined && goneAt + REMEMBERED_SECONDS > now) return;
      this.#gone.delete(key);
      this.#known.delete(key);
    }
  }
}
