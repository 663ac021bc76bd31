// A thread in which a scenario runs, perhaps with one file of BBRv3 that is not what it should be.
import { parentPort, workerData } from 'node:worker_threads';
import { meetsBar } from '#telemetry/measurement.ts';
import { putWrong } from '../../put-wrong.ts';
import type { Fault } from './faults.ts';

/** What a trial is given, and what it answers with: the figures whose bars are missed. */
export type Trial = { readonly scenario: string; readonly seed: number; readonly fault?: Fault };
export type Missed = readonly string[];

const { scenario: wanted, seed, fault } = workerData as Trial;

if (fault !== undefined) putWrong({ ...fault, file: `pop-worker/protocol/congestion/bbr/${fault.file}` });

const { cases } = await import('../cases.ts');
const scenario = cases.find(({ name }) => name === wanted);
if (scenario === undefined) throw new Error(`There is no scenario ${wanted}.`);
const figures = await scenario.run(seed);
const missed: Missed = figures.flatMap(({ metric, value, bar }) =>
  bar !== undefined && !meetsBar(value, bar) ? [metric] : [],
);
parentPort?.postMessage(missed);
