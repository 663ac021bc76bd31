import type { Prefix } from '#protocol/ip/text.ts';
import type { HopSets } from './hop-sets.ts';
import { keyOf, wordsOf } from './prefix-key.ts';
import { Mark, RouteStore } from './route-store.ts';
import { type Target, Target as Targets } from './targets.ts';

const FIRST_QUEUE = 1024;

/** The routes, with what hangs on a change of one: uses of sets, counts, and the queue of those to compare. */
export class RouteColumns {
  readonly store = new RouteStore();
  readonly #sets: HopSets;
  readonly #words = new Uint32Array(4);
  #queue = new Uint32Array(FIRST_QUEUE);
  #head = 0;
  #tail = 0;
  wanted = 0;
  installed = 0;
  conflicts = 0;
  refused = 0;

  constructor(sets: HopSets) {
    this.#sets = sets;
  }

  /** @param table place in the list of tables @returns -1: it is not known */
  find(prefix: Prefix, table: number): number {
    wordsOf(prefix.address, this.#words);
    return this.store.find(this.#words, keyOf(prefix, table));
  }

  put(prefix: Prefix, table: number): number {
    wordsOf(prefix.address, this.#words);
    return this.store.put(this.#words, keyOf(prefix, table));
  }

  setWanted(place: number, target: Target): void {
    const before = this.store.wanted[place] as Target;
    if (before === target) return;
    this.store.wanted[place] = target;
    this.wanted += Number(target !== Targets.none) - Number(before !== Targets.none);
    this.#sets.use(before, -1);
    this.#sets.use(target, 1);
  }

  setInstalled(place: number, target: Target): void {
    const before = this.store.installed[place] as Target;
    if (before === target) return;
    this.store.installed[place] = target;
    this.installed += Number(target !== Targets.none) - Number(before !== Targets.none);
    this.#sets.use(before, -1);
    this.#sets.use(target, 1);
  }

  has(place: number, mark: number): boolean {
    return ((this.store.marks[place] as number) & mark) !== 0;
  }

  mark(place: number, mark: number, on: boolean): void {
    const before = this.store.marks[place] as number;
    const after = on ? before | mark : before & ~mark;
    this.store.marks[place] = after;
    this.conflicts += Number((after & Mark.conflict) !== 0) - Number((before & Mark.conflict) !== 0);
    this.refused += Number((after & Mark.refused) !== 0) - Number((before & Mark.refused) !== 0);
  }

  /** To be compared with the kernel. */
  enqueue(place: number): void {
    if (this.has(place, Mark.queued)) return;
    this.mark(place, Mark.queued, true);
    if (this.#tail === this.#queue.length) this.#makeRoom();
    this.#queue[this.#tail++] = place;
  }

  #makeRoom(): void {
    const waiting = this.#queue.subarray(this.#head, this.#tail);
    const room = waiting.length * 2 > this.#queue.length ? new Uint32Array(this.#queue.length * 2) : this.#queue;
    room.set(waiting);
    this.#queue = room;
    this.#head = 0;
    this.#tail = waiting.length;
  }

  get queued(): number {
    return this.#tail - this.#head;
  }

  /** @returns -1: none waits */
  dequeue(): number {
    if (this.#head === this.#tail) return -1;
    const place = this.#queue[this.#head++] as number;
    if (this.#head === this.#tail) {
      this.#head = 0;
      this.#tail = 0;
    }
    this.mark(place, Mark.queued, false);
    return place;
  }

  /** Forgets what is neither wanted nor there. */
  release(place: number): void {
    const { wanted, installed } = this.store;
    if (wanted[place] !== Targets.none || installed[place] !== Targets.none || this.has(place, Mark.queued)) return;
    this.mark(place, Mark.conflict | Mark.refused, false);
    this.store.drop(place);
  }

  /** Calls `visit` with each place that has a route. */
  each(visit: (place: number) => void): void {
    for (let place = 0; place < this.store.end; place++) if (this.has(place, Mark.used)) visit(place);
  }
}
