import type { SeededRandom } from '#protocol/quic/testing/random.ts';

/** What a network does to datagrams, both ways alike. Shares of 1. */
export interface Weather {
  readonly name: string;
  readonly loss?: number;
  readonly duplicates?: number;
  /** Put off by up to five seconds, so that later ones overtake them. */
  readonly disorder?: number;
  /** One bit is flipped. */
  readonly changed?: number;
  /** So often somebody sends an old datagram again, of seconds to hours ago; microseconds. */
  readonly replayEveryUs?: number;
  /** How long it lasts, in seconds, from and to. */
  readonly seconds: readonly [number, number];
  /** Traffic must flow meanwhile as if nothing were. */
  readonly isCalm: boolean;
}

export const CLEAN: Weather = { name: 'clean', seconds: [180, 900], isCalm: true };

export const WEATHERS = {
  lossy: { name: 'lossy', loss: 0.3, seconds: [120, 900], isCalm: false },
  duplicates: { name: 'duplicates', duplicates: 0.5, seconds: [120, 900], isCalm: true },
  disorder: { name: 'disorder', disorder: 0.3, seconds: [120, 900], isCalm: false },
  changed: { name: 'changed', changed: 0.2, seconds: [120, 900], isCalm: false },
  replays: { name: 'replays', replayEveryUs: 500_000, seconds: [120, 900], isCalm: true },
  outage: { name: 'outage', loss: 1, seconds: [600, 600], isCalm: false },
  all: {
    name: 'all',
    ...{ loss: 0.2, duplicates: 0.2, disorder: 0.2, changed: 0.1, replayEveryUs: 500_000 },
    ...{ seconds: [120, 900], isCalm: false },
  },
} as const satisfies Record<string, Weather>;
export type WeatherName = keyof typeof WEATHERS;

/** Draws each once before any comes again. */
export class Deck<T> {
  readonly #all: readonly T[];
  readonly #random: SeededRandom;
  #left: T[] = [];

  constructor(all: readonly T[], random: SeededRandom) {
    this.#all = all;
    this.#random = random;
  }

  draw(): T {
    if (this.#left.length === 0) this.#left = [...this.#all];
    return this.#left.splice(this.#random.below(this.#left.length), 1)[0] as T;
  }
}

/** Between the two, in microseconds, of a range in seconds. */
export const lasting = ([least, most]: readonly [number, number], random: SeededRandom): number =>
  1e6 * (least + random.next() * (most - least));
