import type { TimeUs } from '#protocol/contract.ts';

interface Event {
  readonly at: TimeUs;
  /** Events of the same time happen in the order in which they were planned. */
  readonly order: number;
  readonly act: () => void;
}

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

/** Virtual time: what is planned happens in order, and no time passes meanwhile. Microseconds. */
export class Events {
  now: TimeUs = 0;
  readonly #heap: Event[] = [];
  #planned = 0;

  /** @param at not before now */
  plan(at: TimeUs, act: () => void): void {
    const heap = this.#heap;
    const event = { at: Math.max(at, this.now), order: this.#planned++, act };
    let i = heap.length;
    heap.push(event);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const other = heap[parent] as Event;
      if (!isBefore(event, other)) break;
      heap[i] = other;
      i = parent;
    }
    heap[i] = event;
  }

  /** Lets time pass. */
  runUntil(end: TimeUs): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#removeFirst();
      this.now = next.at;
      next.act();
    }
    this.now = end;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (!isBefore(heap[child] as Event, last)) break;
      heap[i] = heap[child] as Event;
      i = child;
    }
    heap[i] = last;
  }
}
