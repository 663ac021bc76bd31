const END = -1;
const IDLE = -2;

/** Small numbers in the order in which they were put in, each once: four bytes for each that there may be. */
export class DirtyQueue {
  size = 0;
  #next = new Int32Array(0);
  #first = END;
  #last = END;

  /** Bytes of memory that are taken. */
  get memory(): number {
    return this.#next.byteLength;
  }

  /** The first one, or -1. */
  get first(): number {
    return this.#first;
  }

  /** Puts one at the end, unless it is in. */
  add(id: number): void {
    if (id >= this.#next.length) this.#grow(id + 1);
    if (this.#next[id] !== IDLE) return;
    this.#next[id] = END;
    if (this.#last === END) this.#first = id;
    else this.#next[this.#last] = id;
    this.#last = id;
    this.size++;
  }

  /** Takes the first one out, that there is. */
  shift(): void {
    const id = this.#first;
    this.#first = this.#next[id] as number;
    if (this.#first === END) this.#last = END;
    this.#next[id] = IDLE;
    this.size--;
  }

  #grow(least: number): void {
    const longer = new Int32Array(Math.max(1024, least, 2 * this.#next.length)).fill(IDLE);
    longer.set(this.#next);
    this.#next = longer;
  }
}
