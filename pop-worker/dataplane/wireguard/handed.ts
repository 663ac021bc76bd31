import { addressPort } from '#protocol/address.ts';
import { Burst, D_LOCAL, DESCRIPTOR_WORDS } from '#protocol/burst.ts';

const NONE = new Burst(0, 0);

/** Tells datagrams of WireGuard from those of QUIC, among what other workers handed over: by the port that they came to. */
export class HandedDatagrams {
  readonly #port: number;
  /** In the buffer that they came in, of which there are several bursts: it has room for the largest. */
  #own = NONE;

  constructor(port: number) {
    this.#port = port;
  }

  /** @returns those of WireGuard, good until the next call; `burst` has the rest then */
  sortOut(burst: Burst): Burst {
    const { words } = burst;
    const { buffer, capacity } = this.#own;
    if (buffer !== burst.buffer || capacity < burst.capacity) this.#own = new Burst(0, burst.capacity, burst.buffer);
    const own = this.#own;
    own.clear();
    let rest = 0;
    for (let i = 0; i < burst.count; i++) {
      const at = i * DESCRIPTOR_WORDS;
      const isOwn = addressPort(words, at + D_LOCAL) === this.#port;
      const into = isOwn ? own.words : words;
      const to = (isOwn ? own.count++ : rest++) * DESCRIPTOR_WORDS;
      for (let word = 0; word < DESCRIPTOR_WORDS; word++) into[to + word] = words[at + word] as number;
    }
    burst.count = rest;
    return own;
  }
}
