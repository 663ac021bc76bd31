import { createHash } from 'node:crypto';

/** Places of a ring, a prime number: as bpf/include/maglev.h has it. */
export const RING_PLACES = 65_537;

export interface RingMember {
  /** Not 0: that is nobody. */
  readonly id: number;
  /** What its places follow from: the same at all that balance, whatever its number is there. */
  readonly name: string;
  /** 1 or more, against those of the others. */
  readonly weight: number;
}

/** The places that one prefers, in order. */
class Preference {
  readonly id: number;
  readonly share: number;
  readonly #skip: number;
  #next: number;
  turns = 0;

  constructor({ id, name, weight }: RingMember, most: number) {
    const digest = createHash('sha256').update(name).digest();
    this.id = id;
    this.share = weight / most;
    this.#next = digest.readUIntBE(0, 6) % RING_PLACES;
    this.#skip = (digest.readUIntBE(6, 6) % (RING_PLACES - 1)) + 1;
  }

  /** Takes the first of its places that is free. */
  take(ring: Uint16Array): void {
    let place = this.#next;
    while (ring[place] !== 0) {
      place += this.#skip;
      if (place >= RING_PLACES) place -= RING_PLACES;
    }
    ring[place] = this.id;
    this.#next = place;
  }
}

/**
 * A ring of Maglev (Eisenbud et al., NSDI 2016, §3.4): all take places in turns, each in an order of its own, the heaviest at
 * each turn and the others as often as their weights are of it. When one goes, few places change that were not its own.
 *
 * @param members in any order: it does not matter
 * @returns the number of a member for each place; 0 everywhere without members
 */
export const ringOf = (members: readonly RingMember[]): Uint16Array => {
  // One more than there are, as the program has it.
  const ring = new Uint16Array(RING_PLACES + 1);
  const most = Math.max(...members.map(({ weight }) => weight));
  const inOrder = members.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const preferences = inOrder.map((member) => new Preference(member, most));
  if (preferences.length === 0) return ring;
  let free = RING_PLACES;
  for (let turn = 1; ; turn++) {
    for (const preference of preferences) {
      // As many as its share of the turns so far; 1e-9: thirds are not exact.
      if (preference.turns + 1 > turn * preference.share + 1e-9) continue;
      preference.turns++;
      preference.take(ring);
      if (--free === 0) return ring;
    }
  }
};
