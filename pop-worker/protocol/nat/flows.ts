import { grown, NONE } from './mappings.ts';
import { hash3, SlotIndex } from './slot-index.ts';

const flowHash = (mapping: number, address: number, port: number): number => hash3(mapping, address, port);

/** Told to others, and what became of that. */
export const Told = { not: 0, yes: 1 } as const;

/**
 * Sessions: a mapping and whom it talks to. They are what filters go by, and a mapping lasts as long as its last one does.
 * Lists of the sessions of a mapping go through them.
 */
export class Flows {
  #mapping = new Int32Array(64);
  #address = new Uint32Array(64);
  #port = new Uint16Array(64);
  #state = new Uint8Array(64);
  #told = new Uint8Array(64);
  #expires = new Uint32Array(64);
  #began = new Uint32Array(64);
  /** The next of its mapping; of a free slot the next free one. */
  #next = new Int32Array(64);
  #before = new Int32Array(64);
  readonly #index = new SlotIndex();
  #free = NONE;
  /** Slots below this one are, or were, in use. */
  end = 0;

  get size(): number {
    return this.#index.size;
  }

  /** `NONE`: the slot is free. */
  mapping(slot: number): number {
    return this.#mapping[slot] as number;
  }

  /** Of the other side, as a number. */
  address(slot: number): number {
    return this.#address[slot] as number;
  }

  /** Of the other side; 0 where the protocol's filter does not go by ports. */
  port(slot: number): number {
    return this.#port[slot] as number;
  }

  state(slot: number): number {
    return this.#state[slot] as number;
  }

  expires(slot: number): number {
    return this.#expires[slot] as number;
  }

  began(slot: number): number {
    return this.#began[slot] as number;
  }

  told(slot: number): number {
    return this.#told[slot] as number;
  }

  next(slot: number): number {
    return this.#next[slot] as number;
  }

  setTold(slot: number, told: number): void {
    this.#told[slot] = told;
  }

  /** @param expires second of the clock */
  set(slot: number, state: number, expires: number): void {
    this.#state[slot] = state;
    this.#expires[slot] = expires;
  }

  find(mapping: number, address: number, port: number): number {
    const index = this.#index;
    const hash = flowHash(mapping, address, port);
    for (let at = index.first(hash); at >= 0; at = index.next(at, hash)) {
      const slot = index.slot(at);
      if (this.#mapping[slot] === mapping && this.#address[slot] === address && this.#port[slot] === port) return slot;
    }
    return NONE;
  }

  /** @param first of the mapping's sessions so far @returns its slot, the mapping's first one now */
  add(mapping: number, first: number, address: number, port: number, state: number, now: number): number {
    const slot = this.#take();
    this.#mapping[slot] = mapping;
    this.#address[slot] = address;
    this.#port[slot] = port;
    this.#state[slot] = state;
    this.#told[slot] = Told.not;
    this.#began[slot] = now;
    this.#next[slot] = first;
    this.#before[slot] = NONE;
    if (first !== NONE) this.#before[first] = slot;
    this.#index.add(flowHash(mapping, address, port), slot);
    return slot;
  }

  /** @param first of the mapping's sessions @returns the first one without it */
  remove(slot: number, first: number): number {
    const mapping = this.mapping(slot);
    this.#index.remove(flowHash(mapping, this.address(slot), this.port(slot)), slot);
    const next = this.#next[slot] as number;
    const before = this.#before[slot] as number;
    if (next !== NONE) this.#before[next] = before;
    if (before !== NONE) this.#next[before] = next;
    this.#mapping[slot] = NONE;
    this.#next[slot] = this.#free;
    this.#free = slot;
    return first === slot ? next : first;
  }

  #take(): number {
    const slot = this.#free;
    if (slot !== NONE) {
      this.#free = this.#next[slot] as number;
      return slot;
    }
    if (this.end === this.#next.length) {
      this.#mapping = grown(this.#mapping);
      this.#address = grown(this.#address);
      this.#port = grown(this.#port);
      this.#state = grown(this.#state);
      this.#told = grown(this.#told);
      this.#expires = grown(this.#expires);
      this.#began = grown(this.#began);
      this.#next = grown(this.#next);
      this.#before = grown(this.#before);
    }
    return this.end++;
  }
}
