/** Tokens that are remembered at most: about 2 MB. Beyond, the oldest may be used again while it lasts. */
export const MAX_USED_TOKENS = 16_384;

/** Which tokens of NEW_TOKEN were shown: each saves one round trip, once (RFC 9000 §8.1.4). */
export class UsedTokens {
  readonly #max: number;
  readonly #used = new Set<string>();

  constructor(max: number = MAX_USED_TOKENS) {
    this.#max = max;
  }

  get size(): number {
    return this.#used.size;
  }

  /** @param id what is unlike in each token @returns `false`: it was shown before */
  use(id: Uint8Array): boolean {
    const key = String.fromCharCode(...id);
    if (this.#used.has(key)) return false;
    if (this.#used.size === this.#max) this.#used.delete(this.#used.values().next().value as string);
    this.#used.add(key);
    return true;
  }
}
