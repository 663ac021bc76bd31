/** So long a block is nobody else's after its device has gone: what still comes for it finds nobody. */
export const HOLD_SECONDS = 600;

const hashOf = (text: string): number => {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return (h ^ (h >>> 15)) >>> 0;
};

/** Which devices have which blocks, as a thread knows them; and those that it may give. */
export class Blocks {
  readonly #own: readonly number[];
  readonly #isOwn: ReadonlySet<number>;
  readonly #holders = new Map<number, string>();
  /** Devices that are nowhere now, those that have been gone for longest first. */
  readonly #left = new Map<string, { readonly block: number; readonly at: number }>();

  /** @param own that this thread may give */
  constructor(own: readonly number[]) {
    this.#own = own;
    this.#isOwn = new Set(own);
  }

  /** Blocks that devices have, those included that are held for some. */
  get size(): number {
    return this.#holders.size;
  }

  holder(block: number): string | undefined {
    return this.#holders.get(block);
  }

  /** The block that a device had before it left. */
  heldFor(key: string): number | undefined {
    return this.#left.get(key)?.block;
  }

  /** A device has a block. */
  hold(key: string, block: number): void {
    this.#holders.set(block, key);
    this.#left.delete(key);
  }

  /** A device has left; it finds its block again for a while. */
  leave(key: string, block: number, now: number): void {
    if (this.#holders.get(block) === key) this.#left.set(key, { block, at: now });
  }

  /**
   * A block for a device that has none: always the same one while that is free. When all are in use, one is taken that was held.
   *
   * @returns undefined when there is none
   */
  give(key: string): number | undefined {
    const own = this.#own;
    const start = hashOf(key);
    for (let i = 0; i < own.length; i++) {
      const block = own[(start + i) % own.length] as number;
      if (this.#holders.has(block)) continue;
      this.hold(key, block);
      return block;
    }
    for (const [other, { block }] of this.#left) {
      if (!this.#isOwn.has(block)) continue;
      this.#left.delete(other);
      this.hold(key, block);
      return block;
    }
    return undefined;
  }

  /** Those who have been gone for long have no block any more. @returns who they are */
  expire(now: number): string[] {
    const expired: string[] = [];
    for (const [key, { block, at }] of this.#left) {
      if (at + HOLD_SECONDS > now) break;
      this.#left.delete(key);
      if (this.#holders.get(block) === key) this.#holders.delete(block);
      expired.push(key);
    }
    return expired;
  }
}
