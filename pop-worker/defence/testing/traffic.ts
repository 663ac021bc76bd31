import { Defence, type DefenceEvent, type DefenceOptions, WINDOW_US } from '../defence.ts';
import type { PacketSample } from '../sample.ts';

/** One packet in so many is sampled. */
export const EVERY = 1000;

export type Chance = () => number;

/** Numbers from 0 to 1 that come again with the same seed (mulberry32). */
export const chanceOf = (seed: number): Chance => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32;
  };
};

export const below = (chance: Chance, count: number): number => Math.floor(chance() * count);

/** How many come where so many are expected (Knuth's way to a Poisson distribution). */
const poisson = (chance: Chance, expected: number): number => {
  const limit = Math.exp(-expected);
  let count = 0;
  for (let product = chance(); product > limit; product *= chance()) count++;
  return count;
};

export const ipv4 = (...bytes: readonly number[]): Uint8Array => Uint8Array.from(bytes);

/** Any address, as forged ones are. */
export const anySource = (chance: Chance): Uint8Array =>
  ipv4(1 + below(chance, 222), below(chance, 256), below(chance, 256), below(chance, 256));

/** Of so many clients. */
export const clientOf = (chance: Chance, count: number): Uint8Array => {
  const client = below(chance, count);
  return ipv4(10 + (client % 7), client >>> 8, client & 255, 1 + (client % 200));
};

const PLAIN: PacketSample = {
  ...{ timeNs: 0, source: ipv4(198, 51, 100, 1), target: ipv4(203, 0, 113, 10), sourcePort: 0, targetPort: 0 },
  ...{ protocol: 17, bytes: 100, every: EVERY, isFragment: false, hasPorts: true, tcpFlags: 0, hops: 60 },
  ...{ icmpType: 0, outcome: 0, payload: new Uint8Array(0) },
};

export const sampleWith = (fields: Partial<PacketSample>): PacketSample => ({ ...PLAIN, ...fields });

/** Packets of one kind. */
export interface Flow {
  /** Packets a second, at a time in microseconds. */
  readonly rate: (nowUs: number) => number;
  readonly sample: (chance: Chance) => PacketSample;
}

/** Traffic in virtual time, and the defence that sees samples of it. */
export class Traffic {
  readonly events: DefenceEvent[] = [];
  readonly defence: Defence;
  readonly flows: Flow[] = [];
  readonly chance: Chance;
  nowUs = 0;

  constructor(seed = 1, options: Partial<DefenceOptions> = {}) {
    this.chance = chanceOf(seed);
    this.defence = new Defence({ startUs: 0, seed: 7, onEvent: (event) => void this.events.push(event), ...options });
  }

  runUntil(endUs: number): void {
    while (this.nowUs < endUs) {
      for (const { rate, sample } of this.flows) {
        const count = poisson(this.chance, (rate(this.nowUs) * WINDOW_US) / 1e6 / EVERY);
        for (let i = 0; i < count; i++) this.defence.take(sample(this.chance));
      }
      this.nowUs += WINDOW_US;
      this.defence.turn(this.nowUs);
    }
  }

  runFor(us: number): void {
    this.runUntil(this.nowUs + us);
  }
}
