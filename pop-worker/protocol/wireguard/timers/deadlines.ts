import { NEVER, type TimeUs } from '../../contract.ts';

/**
 * When each of many peers has something to do: a heap of those that have, so that idle ones cost nothing. A deadline
 * that moves away is left where it is until it comes up, for timers are put off with every packet.
 */
export class Deadlines {
  /** Of each peer, by number; NEVER where it is not in the heap. */
  #at: Float64Array<ArrayBuffer> = new Float64Array(16).fill(NEVER);
  readonly #heap: number[] = [];
  /** Where in the heap each peer is. */
  #slots: Int32Array<ArrayBuffer> = new Int32Array(16);

  /** Peers with a deadline. */
  get size(): number {
    return this.#heap.length;
  }

  /** At or before the first. */
  get first(): TimeUs {
    return this.#heap.length === 0 ? NEVER : this.#time(this.#heap[0] as number);
  }

  /** This peer is to be looked at no later than then. */
  set(peer: number, at: TimeUs): void {
    if (at === NEVER) return;
    this.#grow(peer);
    const held = this.#time(peer);
    if (at >= held) return;
    this.#at[peer] = at;
    if (held === NEVER) this.#slots[peer] = this.#heap.push(peer) - 1;
    this.#rise(this.#slots[peer] as number);
  }

  /** @returns a peer whose time has come, now without a deadline, or undefined */
  take(now: TimeUs): number | undefined {
    if (this.first > now) return undefined;
    const peer = this.#heap[0] as number;
    const last = this.#heap.pop() as number;
    this.#at[peer] = NEVER;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#slots[last] = 0;
      this.#sink(0);
    }
    return peer;
  }

  #time(peer: number): TimeUs {
    return this.#at[peer] as number;
  }

  #grow(peer: number): void {
    if (peer < this.#at.length) return;
    const larger = new Float64Array(Math.max(2 * this.#at.length, peer + 1)).fill(NEVER);
    larger.set(this.#at);
    this.#at = larger;
    const slots = new Int32Array(larger.length);
    slots.set(this.#slots);
    this.#slots = slots;
  }

  #rise(from: number): void {
    const heap = this.#heap;
    for (let slot = from; slot > 0; ) {
      const parent = (slot - 1) >> 1;
      if (this.#time(heap[parent] as number) <= this.#time(heap[slot] as number)) return;
      this.#swap(slot, parent);
      slot = parent;
    }
  }

  #sink(from: number): void {
    const heap = this.#heap;
    for (let slot = from; ; ) {
      let least = 2 * slot + 1;
      if (least >= heap.length) return;
      if (least + 1 < heap.length && this.#time(heap[least + 1] as number) < this.#time(heap[least] as number)) least++;
      if (this.#time(heap[slot] as number) <= this.#time(heap[least] as number)) return;
      this.#swap(slot, least);
      slot = least;
    }
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap;
    const held = heap[a] as number;
    heap[a] = heap[b] as number;
    heap[b] = held;
    this.#slots[heap[a] as number] = a;
    this.#slots[held] = b;
  }
}
