import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { SimCase } from '../../suites.ts';
import type { Rule } from '../rules.ts';
import type { Trial } from './trial.ts';
import { WRONGS, type WrongCore } from './wrongs.ts';

/** Not each seed meets each thing: so many are tried. */
const SEEDS = 6;

/** @returns the rules that are broken */
const brokenBy = async (trial: Trial): Promise<readonly Rule[]> => {
  const worker = new Worker(new URL('trial.ts', import.meta.url), { workerData: trial });
  const [broken] = await once(worker, 'message');
  return broken as readonly Rule[];
};

/** @returns the first seed with which the rule is broken @throws Error where none is */
export const noticedWith = async ({ file, from, to, day, breaks, name }: WrongCore, first: number): Promise<number> => {
  for (let seed = first; seed < first + SEEDS; seed++) {
    const broken = await brokenBy({ wrong: { file, from, to }, seed, day });
    if (broken.includes(breaks)) return seed;
  }
  throw new Error(`\`${name}\` does not break the rule \`${breaks}\` with ${SEEDS} seeds from ${first} on.`);
};

/** Cases of `cloudbridge sim wireguard-faults`: each passes when the rule is broken. */
export const cases: readonly SimCase[] = WRONGS.map((wrong) => ({
  name: wrong.name,
  summary: `${wrong.summary}: the rule \`${wrong.breaks}\` is broken`,
  run: async (seed) => {
    const noticed = await noticedWith(wrong, seed);
    return [{ metric: 'seeds_until_noticed', value: noticed - seed + 1, unit: 'count', bar: { atMost: SEEDS } }];
  },
}));
