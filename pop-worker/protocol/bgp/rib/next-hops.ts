import { isLinkLocalAt } from '../wire/attributes/multiprotocol.ts';
import type { AttributeStore } from './attribute-store.ts';
import { longerUint32 } from './columns.ts';

/** Cost of a next hop that no way leads to: its routes are not chosen (RFC 4271 §9.1.2). */
export const UNREACHABLE = 0xffff_ffff;

/** It is a link-local address alone, which means nothing to who is not on the link (RFC 2545 §3). @param hop its id */
export const isOfLink = ({ nextHops }: AttributeStore, hop: number): boolean =>
  nextHops.lengthOf(hop) === 16 && isLinkLocalAt(nextHops.bytesOf(hop), nextHops.startOf(hop));

/** What it costs to get to next hops, by their ids in the store: asked for once each, and again when told to. */
export class NextHopCosts {
  #costs = new Uint32Array(0);
  readonly #store: AttributeStore;
  readonly #costOf: (nextHop: Uint8Array) => number;

  /** @param costOf of 0, 4, 16 or 32 bytes, good during the call; a metric below 2^32, or `UNREACHABLE` */
  constructor(store: AttributeStore, costOf: (nextHop: Uint8Array) => number) {
    this.#store = store;
    this.#costOf = costOf;
    store.onNewNextHop = (id) => {
      if (id >= this.#costs.length) this.#costs = longerUint32(this.#costs, store.nextHops.capacity);
      this.#costs[id] = this.#ask(id);
    };
  }

  costOf(id: number): number {
    return this.#costs[id] as number;
  }

  /** @returns whether one has become another */
  askAgain(): boolean {
    let hasChanged = false;
    for (let id = 0; id < this.#costs.length; id++) {
      if (this.#store.nextHops.references(id) === 0) continue;
      const cost = this.#ask(id);
      hasChanged ||= cost !== this.#costs[id];
      this.#costs[id] = cost;
    }
    return hasChanged;
  }

  #ask(id: number): number {
    const { nextHops } = this.#store;
    const start = nextHops.startOf(id);
    return this.#costOf(nextHops.bytesOf(id).subarray(start, start + nextHops.lengthOf(id)));
  }
}
