import { hash3, SlotIndex } from './slot-index.ts';

export const NONE = -1;

/** Longer arrays in place of those that are full. */
export const grown = <T extends Int32Array | Uint32Array | Uint16Array | Uint8Array>(array: T): T => {
  const Type = array.constructor as new (length: number) => T;
  const longer = new Type(2 * array.length);
  longer.set(array);
  return longer;
};

const innerHash = (owner: number, protocol: number, address: number, port: number): number =>
  hash3(owner, address, (port << 8) | protocol);
const outerHash = (owner: number, protocol: number, port: number): number =>
  hash3(owner, 0x5bd1e995, (port << 8) | protocol);

/**
 * Which outside port stands for which inner address and port of an owner, by protocol (RFC 7857 §5), whomever they talk to
 * (RFC 4787 REQ-1, RFC 5382 REQ-1). Slots are numbers that stay while a mapping lasts; nothing is allocated but for growth.
 */
export class Mappings {
  #owner = new Int32Array(64);
  #protocol = new Uint8Array(64);
  #address = new Uint32Array(64);
  #inner = new Uint16Array(64);
  #outer = new Uint16Array(64);
  /** First session of a mapping; of a free slot the next free one. */
  #flow = new Int32Array(64);
  readonly #byInner = new SlotIndex();
  readonly #byOuter = new SlotIndex();
  #free = NONE;
  #used = 0;

  get size(): number {
    return this.#byInner.size;
  }

  owner(slot: number): number {
    return this.#owner[slot] as number;
  }

  protocol(slot: number): number {
    return this.#protocol[slot] as number;
  }

  /** Inner address, as a number. */
  address(slot: number): number {
    return this.#address[slot] as number;
  }

  inner(slot: number): number {
    return this.#inner[slot] as number;
  }

  outer(slot: number): number {
    return this.#outer[slot] as number;
  }

  /** First of its sessions, or `NONE`. */
  flow(slot: number): number {
    return this.#flow[slot] as number;
  }

  setFlow(slot: number, flow: number): void {
    this.#flow[slot] = flow;
  }

  findInner(owner: number, protocol: number, address: number, port: number): number {
    const index = this.#byInner;
    const hash = innerHash(owner, protocol, address, port);
    for (let at = index.first(hash); at >= 0; at = index.next(at, hash)) {
      const slot = index.slot(at);
      const isSame = this.#owner[slot] === owner && this.#protocol[slot] === protocol;
      if (isSame && this.#inner[slot] === port && this.#address[slot] === address) return slot;
    }
    return NONE;
  }

  findOuter(owner: number, protocol: number, port: number): number {
    const index = this.#byOuter;
    const hash = outerHash(owner, protocol, port);
    for (let at = index.first(hash); at >= 0; at = index.next(at, hash)) {
      const slot = index.slot(at);
      if (this.#owner[slot] === owner && this.#outer[slot] === port && this.#protocol[slot] === protocol) return slot;
    }
    return NONE;
  }

  /** @returns its slot; neither end may have one */
  add(owner: number, protocol: number, address: number, inner: number, outer: number): number {
    const slot = this.#take();
    this.#owner[slot] = owner;
    this.#protocol[slot] = protocol;
    this.#address[slot] = address;
    this.#inner[slot] = inner;
    this.#outer[slot] = outer;
    this.#flow[slot] = NONE;
    this.#byInner.add(innerHash(owner, protocol, address, inner), slot);
    this.#byOuter.add(outerHash(owner, protocol, outer), slot);
    return slot;
  }

  remove(slot: number): void {
    const owner = this.owner(slot);
    const protocol = this.protocol(slot);
    this.#byInner.remove(innerHash(owner, protocol, this.address(slot), this.inner(slot)), slot);
    this.#byOuter.remove(outerHash(owner, protocol, this.outer(slot)), slot);
    this.#flow[slot] = this.#free;
    this.#free = slot;
  }

  #take(): number {
    const slot = this.#free;
    if (slot !== NONE) {
      this.#free = this.#flow[slot] as number;
      return slot;
    }
    if (this.#used === this.#flow.length) {
      this.#owner = grown(this.#owner);
      this.#protocol = grown(this.#protocol);
      this.#address = grown(this.#address);
      this.#inner = grown(this.#inner);
      this.#outer = grown(this.#outer);
      this.#flow = grown(this.#flow);
    }
    return this.#used++;
  }
}
