import { Burst, D_LENGTH, D_LOCAL, D_OFFSET, D_REMOTE, D_SEGMENT, DESCRIPTOR_WORDS } from '../../burst.ts';
import type { TimeUs } from '../../contract.ts';

const QUEUE_BYTES = 64 << 10;
const QUEUE_DATAGRAMS = 128;
const SECOND_US = 1_000_000;

/** Datagrams that answer strangers: bounded in number and rate, held until the next `poll`. */
export class Replies {
  readonly #queue = new Burst(QUEUE_BYTES, QUEUE_DATAGRAMS);
  readonly #perSecond: number;
  #allowance: number;
  #refilled: TimeUs = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#allowance = perSecond;
  }

  /** @returns where to write a datagram of up to so many bytes; undefined: none may be sent now */
  begin(bytes: number, now: TimeUs): { buffer: Uint8Array; at: number } | undefined {
    const refill = (Math.max(0, now - this.#refilled) * this.#perSecond) / SECOND_US;
    this.#allowance = Math.min(this.#perSecond, this.#allowance + refill);
    this.#refilled = now;
    if (this.#allowance < 1 || !this.#queue.hasRoom(bytes)) return undefined;
    return { buffer: this.#queue.buffer, at: this.#queue.used };
  }

  /** It was written, and ends there. The addresses are those of the datagram that it answers. */
  commit(end: number, remote: Int32Array, remoteAt: number, local: Int32Array, localAt: number): void {
    this.#allowance--;
    this.#queue.commit(end - this.#queue.used, 0, remote, remoteAt, local, localAt);
  }

  get pending(): boolean {
    return this.#queue.count > 0;
  }

  /** Moves what fits to the burst. Whatever does not is dropped: it will be asked for again. */
  flush(out: Burst): void {
    const { words, buffer, count } = this.#queue;
    for (let i = 0; i < count; i++) {
      const base = i * DESCRIPTOR_WORDS;
      const start = words[base + D_OFFSET] as number;
      const end = start + (words[base + D_LENGTH] as number);
      const segment = words[base + D_SEGMENT] as number;
      for (let at = start; at < end; at += segment) {
        const length = Math.min(segment, end - at);
        if (!out.hasRoom(length)) continue;
        out.buffer.set(buffer.subarray(at, at + length), out.used);
        out.commit(length, 0, words, base + D_REMOTE, words, base + D_LOCAL);
      }
    }
    this.#queue.clear();
  }
}
