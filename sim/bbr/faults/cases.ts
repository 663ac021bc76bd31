import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { SimCase } from '../../suites.ts';
import { atLeast, figure } from '../figures.ts';
import { FAULTS, type Fault } from './faults.ts';
import type { Missed, Trial } from './trial.ts';

const missedIn = async (trial: Trial): Promise<Missed> => {
  const [missed] = await once(new Worker(new URL('trial.ts', import.meta.url), { workerData: trial }), 'message');
  return missed as Missed;
};

/** What is red in a scenario with nothing wrong, by scenario and seed. */
const healthy = new Map<string, Promise<Missed>>();

/** @returns how many figures of the scenario are red only with the fault */
const newlyMissed = async (fault: Fault, seed: number): Promise<number> => {
  const scenario = fault.noticedBy;
  const key = `${scenario} ${seed}`;
  const before = healthy.get(key) ?? missedIn({ scenario, seed });
  healthy.set(key, before);
  const known = await before;
  return (await missedIn({ scenario, seed, fault })).filter((metric) => !known.includes(metric)).length;
};

/** Cases of `cloudbridge sim bbr-faults`: each passes when the scenario fails. */
export const cases: readonly SimCase[] = FAULTS.map((fault) => ({
  name: fault.name,
  summary: `${fault.summary}: \`${fault.noticedBy}\` is red`,
  run: async (seed) => [figure('bars_missed', await newlyMissed(fault, seed), 'count', atLeast(1))],
}));
