import type { Random } from '../../contract.ts';

/** A repeatable source of bytes and numbers (xorshift128 of Marsaglia, seeded by splitmix). */
export class SeededRandom implements Random {
  readonly #state = new Int32Array(4);

  constructor(seed: number) {
    let x = seed | 0;
    for (let i = 0; i < 4; i++) {
      x = (x + 0x9e3779b9) | 0;
      let z = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#state[i] = z ^ (z >>> 16) || 1;
    }
  }

  word(): number {
    const s = this.#state;
    const t = (s[3] as number) ^ ((s[3] as number) << 11);
    s[3] = s[2] as number;
    s[2] = s[1] as number;
    s[1] = s[0] as number;
    s[0] = (s[0] as number) ^ ((s[0] as number) >>> 19) ^ t ^ (t >>> 8);
    return (s[0] as number) >>> 0;
  }

  /** Uniform in [0, 1). */
  next(): number {
    return this.word() / 0x1_0000_0000;
  }

  /** Uniform in [0, n). */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  fill(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.word();
  }
}
