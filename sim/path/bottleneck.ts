import type { TimeUs } from '#protocol/contract.ts';
import type { Events } from '../events.ts';
import type { Next, Packet } from './packet.ts';
import type { Queue } from './queue.ts';

/** What is seen of a packet as it leaves the bottleneck. */
export type Observer = (packet: Packet, now: TimeUs, queueBytes: number) => void;

/** A link of a certain rate with a queue in front of it. */
export class Bottleneck {
  readonly queue: Queue;
  readonly #events: Events;
  readonly #next: Next;
  readonly #observers: Observer[] = [];
  #bytesPerUs: number;
  #busy = false;

  /** @param bitsPerSecond of IP packets */
  constructor(events: Events, bitsPerSecond: number, queue: Queue, next: Next) {
    this.#events = events;
    this.#bytesPerUs = bitsPerSecond / 8e6;
    this.queue = queue;
    this.#next = next;
  }

  /** From the next packet on. */
  setRate(bitsPerSecond: number): void {
    this.#bytesPerUs = bitsPerSecond / 8e6;
  }

  observe(observer: Observer): void {
    this.#observers.push(observer);
  }

  readonly send: Next = (packet) => {
    this.queue.offer(packet, this.#events.now);
    if (!this.#busy) this.#serve();
  };

  #serve(): void {
    const packet = this.queue.take(this.#events.now);
    this.#busy = packet !== undefined;
    if (packet === undefined) return;
    this.#events.plan(this.#events.now + packet.size / this.#bytesPerUs, () => {
      for (const observer of this.#observers) observer(packet, this.#events.now, this.queue.bytes);
      this.#next(packet);
      this.#serve();
    });
  }
}
