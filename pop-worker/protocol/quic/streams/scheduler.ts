import { Queue, type Stream } from './stream.ts';

export const LEVELS = 16;
const MIDDLE = 8;

/** Urgency as the application names it, -8 to 7 (what is beyond counts as the end), to a level. */
export const levelOf = (urgency: number): number => Math.max(0, Math.min(LEVELS - 1, Math.trunc(urgency) + MIDDLE));

/**
 * Which stream sends next (RFC 9000 §2.3): the highest level first; within one, streams take turns packet by packet
 * (incremental) or the first one sends until it has nothing left. Every operation is O(1); parked streams cost nothing
 * until all are woken.
 */
export class Scheduler {
  readonly #heads: (Stream | undefined)[] = new Array<Stream | undefined>(LEVELS).fill(undefined);
  readonly #tails: (Stream | undefined)[] = new Array<Stream | undefined>(LEVELS).fill(undefined);
  /** Bit i: level i has a stream. */
  #levels = 0;
  /** Streams that wait for connection credit, or for a stream limit. */
  #parked: Stream | undefined;
  #lastParked: Stream | undefined;

  get isEmpty(): boolean {
    return this.#levels === 0;
  }

  /** The stream whose turn it is. */
  first(): Stream | undefined {
    return this.#levels === 0 ? undefined : this.#heads[31 - Math.clz32(this.#levels)];
  }

  /** It has something to send. @param ahead to the front: what was lost goes before what is new (§13.3) */
  add(stream: Stream, ahead: boolean): void {
    if (stream.queue === Queue.ready) {
      if (!ahead || this.#heads[stream.level] === stream) return;
      this.remove(stream);
    } else if (stream.queue === Queue.parked) {
      this.remove(stream);
    }
    const level = stream.level;
    stream.queue = Queue.ready;
    const head = this.#heads[level];
    const tail = this.#tails[level];
    if (head === undefined || tail === undefined) {
      this.#heads[level] = stream;
      this.#tails[level] = stream;
      this.#levels |= 1 << level;
    } else if (ahead) {
      stream.next = head;
      head.previous = stream;
      this.#heads[level] = stream;
    } else {
      stream.previous = tail;
      tail.next = stream;
      this.#tails[level] = stream;
    }
  }

  /** It has sent a frame and has more. */
  turn(stream: Stream): void {
    if (!stream.incremental || stream.queue !== Queue.ready || this.#tails[stream.level] === stream) return;
    this.remove(stream);
    this.add(stream, false);
  }

  /** It has something, but may not send it yet. */
  park(stream: Stream): void {
    this.remove(stream);
    stream.queue = Queue.parked;
    stream.previous = this.#lastParked;
    if (this.#lastParked === undefined) this.#parked = stream;
    else this.#lastParked.next = stream;
    this.#lastParked = stream;
  }

  /** Parked streams may try again, in the order in which they were parked. */
  wake(): void {
    while (this.#parked !== undefined) this.add(this.#parked, false);
  }

  remove(stream: Stream): void {
    const { queue, previous, next, level } = stream;
    if (queue === Queue.none) return;
    if (previous !== undefined) previous.next = next;
    if (next !== undefined) next.previous = previous;
    if (queue === Queue.parked) {
      if (this.#parked === stream) this.#parked = next;
      if (this.#lastParked === stream) this.#lastParked = previous;
    } else {
      if (this.#heads[level] === stream) this.#heads[level] = next;
      if (this.#tails[level] === stream) this.#tails[level] = previous;
      if (this.#heads[level] === undefined) this.#levels &= ~(1 << level);
    }
    stream.queue = Queue.none;
    stream.previous = undefined;
    stream.next = undefined;
  }

  /** Changes its level in place. */
  prioritise(stream: Stream, level: number, incremental: boolean): void {
    const queue = stream.queue;
    if (queue === Queue.ready) this.remove(stream);
    stream.level = level;
    stream.incremental = incremental;
    if (queue === Queue.ready) this.add(stream, false);
  }
}
