const EPOCH_BYTES = 4;
/** Above this a counter is no exact integer; nobody makes so many. */
const MAX_COUNTER_BYTES = 6;

/** Shortest nonce that has room for an epoch and 2^32 connection IDs. */
export const MIN_COUNTED_BYTES = 8;

/**
 * Nonces that never come again, after a restart either: what the process was started as, and a counter (§9.5). The pad hides
 * both where a nonce is longer than what is encrypted with it; each nonce is XORed with the same one, so they stay different.
 */
export class Nonces {
  readonly #bytes: number;
  readonly #epoch: number;
  readonly #pad: Uint8Array;
  readonly #most: number;
  #counter = 0;

  /**
   * @param bytes of a nonce, 8 or more
   * @param epoch 1 to 2^32-1; never the same for two processes of one server ID
   * @param pad as many bytes as a nonce has
   * @throws RangeError
   */
  constructor(bytes: number, epoch: number, pad: Uint8Array) {
    if (bytes < MIN_COUNTED_BYTES) throw new RangeError(`a nonce that counts has 8 bytes or more, not ${bytes}`);
    if (!Number.isInteger(epoch) || epoch < 1 || epoch > 0xffff_ffff) {
      throw new RangeError(`an epoch is from 1 to 2^32-1, not ${epoch}`);
    }
    if (pad.length !== bytes) throw new RangeError(`a nonce's pad has ${bytes} bytes, not ${pad.length}`);
    this.#bytes = bytes;
    this.#epoch = epoch;
    this.#pad = pad;
    this.#most = 2 ** (8 * Math.min(bytes - EPOCH_BYTES, MAX_COUNTER_BYTES));
  }

  /** How many were made. */
  get used(): number {
    return this.#counter;
  }

  /** How many there are. */
  get most(): number {
    return this.#most;
  }

  /** Writes the next one. @returns false: all were used, and nothing is written */
  next(buffer: Uint8Array, at: number): boolean {
    if (this.#counter >= this.#most) return false;
    let counter = this.#counter++;
    const pad = this.#pad;
    for (let i = this.#bytes - 1; i >= EPOCH_BYTES; i--) {
      buffer[at + i] = (pad[i] as number) ^ (counter % 256);
      counter = Math.floor(counter / 256);
    }
    for (let i = 0; i < EPOCH_BYTES; i++) {
      buffer[at + i] = (pad[i] as number) ^ ((this.#epoch >>> (8 * (EPOCH_BYTES - 1 - i))) & 0xff);
    }
    return true;
  }
}
