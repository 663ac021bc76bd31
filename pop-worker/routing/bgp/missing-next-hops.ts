import { familyName } from '#protocol/bgp/wire/families.ts';
import type { BgpMetrics } from './bgp-metrics.ts';
import type { Entries } from './entries.ts';
import type { BgpNotice } from './messages.ts';
import type { RouteTables } from './route-tables.ts';

/** Finds neighbours that are not told routes, for want of an address of ours as the next hop: counted, and told once. */
export class MissingNextHops {
  readonly #tables: Pick<RouteTables, 'missingNextHops'>;
  readonly #entries: Entries;
  readonly #metrics: BgpMetrics;
  /** Texts of families by the number of the neighbour. */
  #told = new Map<number, string>();

  constructor(tables: Pick<RouteTables, 'missingNextHops'>, entries: Entries, metrics: BgpMetrics) {
    this.#tables = tables;
    this.#entries = entries;
    this.#metrics = metrics;
  }

  /** Names of families. @param index of a neighbour */
  of(index: number): string[] {
    return this.#tables.missingNextHops(index).map(familyName);
  }

  /** Looks at all neighbours. @param notify told of those that lack others than before */
  look(notify: (notice: BgpNotice) => void): void {
    const before = this.#told;
    this.#told = new Map();
    let count = 0;
    for (const { id, index } of this.#entries.all()) {
      const families = this.of(index);
      if (families.length === 0) continue;
      count += families.length;
      const text = families.join(' ');
      this.#told.set(id, text);
      if (before.get(id) !== text) notify({ type: 'no_next_hop', id, families });
    }
    this.#metrics.missingNextHops(count);
  }
}
