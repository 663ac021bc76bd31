import type { Random } from '../contract.ts';

/** Numbers from 0 to below `n`, each as likely. */
export class Uniform {
  readonly #random: Random;
  readonly #word = new Uint8Array(4);

  constructor(random: Random) {
    this.#random = random;
  }

  below(n: number): number {
    this.#random.fill(this.#word);
    return (new DataView(this.#word.buffer).getUint32(0) / 2 ** 32) * n;
  }
}
