import { BLOCK_BYTES } from './config.ts';
import type { BlockCipher } from './ports.ts';

/** V8 gives larger arrays memory of their own; smaller ones move when they are first shown to native code. */
const SCRATCH_BYTES = 96;
const LEFT = 16;
const RIGHT = 32;

/**
 * The Feistel network of §5.4.2: four rounds over two halves, with AES-ECB as the round function. The halves of an odd
 * length share the middle byte: its upper four bits are the left one's, its lower four the right one's.
 */
export class FourPass {
  readonly #cipher: BlockCipher;
  readonly #bytes: number;
  readonly #half: number;
  readonly #isOdd: boolean;
  /** What is encrypted, then the two halves. */
  readonly #scratch = new Uint8Array(SCRATCH_BYTES);

  /** @param bytes of server ID and nonce together, 5 to 19, not 16 */
  constructor(cipher: BlockCipher, bytes: number) {
    this.#cipher = cipher;
    this.#bytes = bytes;
    this.#half = (bytes + 1) >> 1;
    this.#isOdd = bytes % 2 === 1;
  }

  /** Encrypts what lies at `at`, in place. */
  encrypt(buffer: Uint8Array, at: number): void {
    this.#split(buffer, at);
    this.#pass(1, LEFT, RIGHT);
    this.#pass(2, RIGHT, LEFT);
    this.#pass(3, LEFT, RIGHT);
    this.#pass(4, RIGHT, LEFT);
    this.#join(buffer, at);
  }

  /**
   * Decrypts what lies at `from[fromAt…]`, as far as its first bytes go: to `to[0…]`, `wanted` bytes.
   *
   * @param wanted bytes of the server ID; up to half of all three passes are enough for (§5.5.2)
   */
  decrypt(from: Uint8Array, fromAt: number, to: Uint8Array, wanted: number): void {
    this.#split(from, fromAt);
    this.#pass(4, RIGHT, LEFT);
    this.#pass(3, LEFT, RIGHT);
    this.#pass(2, RIGHT, LEFT);
    // The left half of an odd length ends within a byte.
    if (wanted > this.#bytes >> 1) this.#pass(1, LEFT, RIGHT);
    const middle = this.#half - 1;
    for (let i = 0; i < wanted; i++) to[i] = i < middle ? this.#left(i) : this.#behind(i);
  }

  #left(i: number): number {
    return this.#scratch[LEFT + i] as number;
  }

  /** Byte i of the whole, from the middle on. */
  #behind(i: number): number {
    const half = this.#half;
    const right = this.#isOdd ? i - half + 1 : i - half;
    if (i >= half) return this.#scratch[RIGHT + right] as number;
    return this.#isOdd ? this.#left(i) | (this.#scratch[RIGHT] as number) : this.#left(i);
  }

  #split(buffer: Uint8Array, at: number): void {
    const scratch = this.#scratch;
    const half = this.#half;
    const rightAt = at + this.#bytes - half;
    for (let i = 0; i < half; i++) {
      scratch[LEFT + i] = buffer[at + i] as number;
      scratch[RIGHT + i] = buffer[rightAt + i] as number;
    }
    this.#clearMiddle();
  }

  #join(buffer: Uint8Array, at: number): void {
    for (let i = 0; i < this.#bytes; i++) buffer[at + i] = i < this.#half - 1 ? this.#left(i) : this.#behind(i);
  }

  #clearMiddle(): void {
    if (!this.#isOdd) return;
    const scratch = this.#scratch;
    const last = LEFT + this.#half - 1;
    scratch[last] = (scratch[last] as number) & 0xf0;
    scratch[RIGHT] = (scratch[RIGHT] as number) & 0x0f;
  }

  /** The half at `to` is XORed with what the one at `from` encrypts to. */
  #pass(pass: number, from: number, to: number): void {
    const scratch = this.#scratch;
    const half = this.#half;
    for (let i = 0; i < half; i++) scratch[i] = scratch[from + i] as number;
    for (let i = half; i < BLOCK_BYTES - 2; i++) scratch[i] = 0;
    scratch[BLOCK_BYTES - 2] = this.#bytes;
    scratch[BLOCK_BYTES - 1] = pass;
    this.#cipher.encrypt(scratch, 0);
    for (let i = 0; i < half; i++) scratch[to + i] = (scratch[to + i] as number) ^ (scratch[i] as number);
    this.#clearMiddle();
  }
}
