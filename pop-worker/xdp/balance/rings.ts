import { BpfMap } from '#host/bpf/map.ts';
import { type RingMember, ringOf } from './maglev.ts';

const keyOf = (number: number): Uint8Array => new Uint8Array(new Uint32Array([number]).buffer);
const FIRST = keyOf(0);

/** Rings of services. Another one is filled first, and then put in the place of the one before: each packet sees one or the other. */
export class Rings {
  readonly #map: BpfMap;
  /** What each was made of. */
  readonly #made = new Map<number, string>();

  /** @param map of maps, whose rings may be those of a process before this one */
  constructor(map: BpfMap) {
    this.#map = map;
  }

  /** @returns whether it was another one before, or one of which nothing is known */
  set(service: number, members: readonly RingMember[]): boolean {
    const of = JSON.stringify(members.map(({ id, name, weight }) => [name, id, weight]).toSorted());
    if (this.#made.get(service) === of) return false;
    const places = new Uint8Array(ringOf(members).buffer);
    const ring = BpfMap.array('ring', places.length, 1);
    try {
      ring.update(FIRST, places);
      this.#map.update(keyOf(service), keyOf(ring.descriptor));
    } finally {
      // The map of maps holds it.
      ring.close();
    }
    this.#made.set(service, of);
    return true;
  }

  delete(service: number): void {
    this.#map.delete(keyOf(service));
    this.#made.delete(service);
  }
}
