/** A keyed 128-bit mixing function for tests: repeatable and quick, and in no way secure. */

const rotate = (x: number, n: number): number => (x << n) | (x >>> (32 - n));

const finish = (x: number): number => {
  let y = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  y = Math.imul(y ^ (y >>> 13), 0xc2b2ae35);
  return y ^ (y >>> 16);
};

/** State of one computation: four 32-bit lanes. */
export class Mixer {
  readonly #lanes = new Int32Array(4);
  #count = 0;

  reset(key: Int32Array): void {
    this.#lanes.set(key);
    this.#count = 0;
  }

  word(value: number): void {
    const lanes = this.#lanes;
    const i = this.#count++ & 3;
    lanes[i] = Math.imul(rotate((lanes[i] as number) ^ Math.imul(value, 0xcc9e2d51), 13), 5) + 0xe6546b64;
  }

  bytes(buffer: Uint8Array, start: number, end: number): void {
    let at = start;
    for (; at + 4 <= end; at += 4) {
      this.word(
        (buffer[at] as number) |
          ((buffer[at + 1] as number) << 8) |
          ((buffer[at + 2] as number) << 16) |
          ((buffer[at + 3] as number) << 24),
      );
    }
    for (; at < end; at++) this.word((buffer[at] as number) | 0x100);
    this.word(end - start);
  }

  /** Writes the 16 bytes of the result. */
  digest(out: Uint8Array, at: number): void {
    const [a, b, c, d] = this.#lanes as unknown as [number, number, number, number];
    const words = [a ^ rotate(b, 7), b ^ rotate(c, 11), c ^ rotate(d, 17), d ^ rotate(a + b + c, 23)];
    let carry = this.#count;
    for (let i = 0; i < 4; i++) {
      carry = finish((words[i] as number) ^ Math.imul(carry, 0x9e3779b1));
      for (let j = 0; j < 4; j++) out[at + 4 * i + j] = carry >>> (8 * j);
    }
  }
}

/** 16 bytes from any number of parts, each with its length. */
export const mix = (...parts: readonly (Uint8Array | string | number)[]): Uint8Array => {
  const mixer = new Mixer();
  mixer.reset(new Int32Array([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344]));
  for (const part of parts) {
    if (typeof part === 'number') mixer.word(part);
    else {
      const bytes = typeof part === 'string' ? Uint8Array.from(part, (c) => c.charCodeAt(0)) : part;
      mixer.bytes(bytes, 0, bytes.length);
    }
  }
  const out = new Uint8Array(16);
  mixer.digest(out, 0);
  return out;
};

export const wordsOf = (bytes: Uint8Array): Int32Array => {
  const words = new Int32Array(4);
  for (let i = 0; i < 16; i++) words[i >> 2] = (words[i >> 2] as number) | ((bytes[i] as number) << (8 * (i & 3)));
  return words;
};
