import type { Random } from '../contract.ts';

const STEPS = 256;
const LEAST = 0.75;
/** Of the interval, when the peer would notice one packet that is late (RFC 5880 §6.8.7). */
const MOST_AT_MULT_1 = 0.9;

/** The part of an interval after which the next packet leaves: at random from 75 % to 100 %, with Detect Mult 1 to 90 %. */
export class Jitter {
  readonly #random: Random;
  readonly #byte = new Uint8Array(1);

  constructor(random: Random) {
    this.#random = random;
  }

  draw(detectMult: number): number {
    this.#random.fill(this.#byte);
    const most = detectMult === 1 ? MOST_AT_MULT_1 : 1;
    return LEAST + ((most - LEAST) * (this.#byte[0] as number)) / (STEPS - 1);
  }
}
