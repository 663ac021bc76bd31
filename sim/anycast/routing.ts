import type { Advertisement } from '#pop-worker/routing/anycast/advertisement.ts';
import type { SeededRandom } from '#protocol/quic/testing/random.ts';
import type { Events } from '../events.ts';
import { oneWayUs, type Point } from './geography.ts';

/** Networks that learn of a route at different times. */
const REGIONS = 8;
export const FIRST_LEARNS_US = 50_000;
export const LAST_LEARNS_US = 400_000;
const GRACEFUL_SHUTDOWN = '65535:0';

/** Lower is preferred: whoever leaves is last (RFC 8326 §4.2), then the length of the path counts. */
const rankOf = ({ prepend, communities }: Advertisement): number =>
  prepend + (communities.includes(GRACEFUL_SHUTDOWN) ? 1000 : 0);

/**
 * Which PoP the networks of clients lead to: upstream routing as a model. A region knows of each PoP what it was told, prefers
 * paths as BGP does (RFC 4271 §9.1.2) and the nearest PoP among equals; MEDs are of different neighbours' and not compared.
 */
export class Routing {
  readonly #events: Events;
  readonly #pops: ReadonlyMap<number, Point>;
  readonly #views: Map<number, number>[];
  /** What was told last, by PoP. */
  readonly #told = new Map<number, Advertisement>();
  /** A view has changed: clients of that region may be led elsewhere. */
  onChange: (region: number) => void = () => {};

  constructor(events: Events, pops: ReadonlyMap<number, Point>) {
    this.#events = events;
    this.#pops = pops;
    this.#views = Array.from({ length: REGIONS }, () => new Map());
  }

  regionOf(random: SeededRandom): number {
    return random.below(REGIONS);
  }

  /** A PoP announces the address, otherwise than before, or withdraws it: regions learn of it one after the other. */
  announce(pop: number, advertisement: Advertisement | undefined): void {
    if (advertisement === undefined) this.#told.delete(pop);
    else this.#told.set(pop, advertisement);
    for (let region = 0; region < REGIONS; region++) {
      const after = FIRST_LEARNS_US + ((LAST_LEARNS_US - FIRST_LEARNS_US) * region) / (REGIONS - 1);
      this.#events.plan(this.#events.now + after, () => this.#learn(region, pop, advertisement));
    }
  }

  /** One region leads its clients elsewhere for a while, whatever the PoP says. */
  lose(region: number, pop: number, forUs: number): void {
    this.#learn(region, pop, undefined);
    this.#events.plan(this.#events.now + forUs, () => this.#learn(region, pop, this.#told.get(pop)));
  }

  #learn(region: number, pop: number, advertisement: Advertisement | undefined): void {
    const view = this.#views[region] as Map<number, number>;
    if (advertisement === undefined) view.delete(pop);
    else view.set(pop, rankOf(advertisement));
    this.onChange(region);
  }

  /** @returns 0 when no PoP is known there */
  nearest(region: number, at: Point): number {
    let [best, least, first] = [0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
    for (const [pop, rank] of this.#views[region] as Map<number, number>) {
      if (rank > first) continue;
      const way = oneWayUs(this.#pops.get(pop) as Point, at);
      if (rank < first || way < least) [best, least, first] = [pop, way, rank];
    }
    return best;
  }
}
