import { NEVER, type TimeUs } from '../../contract.ts';

/** What the heap keeps in its entries. */
export interface HeapEntry {
  heapIndex: number;
  heapKey: TimeUs;
}

/** The earliest of many deadlines: a binary heap whose entries know their places. */
export class DeadlineHeap<T extends HeapEntry> {
  readonly #entries: T[] = [];

  /** The earliest deadline, NEVER when there is none. */
  get first(): TimeUs {
    return this.#entries[0]?.heapKey ?? NEVER;
  }

  get peek(): T | undefined {
    return this.#entries[0];
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Sets an entry's deadline; NEVER takes it out. */
  set(entry: T, deadline: TimeUs): void {
    if (deadline === NEVER) {
      this.#remove(entry);
      return;
    }
    const before = entry.heapKey;
    entry.heapKey = deadline;
    if (entry.heapIndex < 0) {
      entry.heapIndex = this.#entries.length;
      this.#entries.push(entry);
      this.#up(entry);
    } else if (deadline < before) this.#up(entry);
    else if (deadline > before) this.#down(entry);
  }

  #remove(entry: T): void {
    const at = entry.heapIndex;
    entry.heapKey = NEVER;
    if (at < 0) return;
    entry.heapIndex = -1;
    const last = this.#entries.pop() as T;
    if (last === entry) return;
    this.#entries[at] = last;
    last.heapIndex = at;
    this.#up(last);
    this.#down(last);
  }

  #up(entry: T): void {
    const entries = this.#entries;
    let at = entry.heapIndex;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = entries[parentAt] as T;
      if (parent.heapKey <= entry.heapKey) break;
      entries[at] = parent;
      parent.heapIndex = at;
      at = parentAt;
    }
    entries[at] = entry;
    entry.heapIndex = at;
  }

  #down(entry: T): void {
    const entries = this.#entries;
    let at = entry.heapIndex;
    for (;;) {
      let childAt = 2 * at + 1;
      if (childAt >= entries.length) break;
      const right = entries[childAt + 1];
      if (right !== undefined && right.heapKey < (entries[childAt] as T).heapKey) childAt++;
      const child = entries[childAt] as T;
      if (child.heapKey >= entry.heapKey) break;
      entries[at] = child;
      child.heapIndex = at;
      at = childAt;
    }
    entries[at] = entry;
    entry.heapIndex = at;
  }
}
