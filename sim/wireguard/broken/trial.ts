// A thread in which hours pass, with one file of the product that is not what it should be.
import { parentPort, workerData } from 'node:worker_threads';
import { putWrong, type Wrong } from '../../put-wrong.ts';
import type { DayOptions } from '../day.ts';
import type { Rule } from '../rules.ts';

export interface Trial {
  readonly wrong?: Wrong;
  readonly seed: number;
  readonly day: DayOptions;
}

const { wrong, seed, day: options } = workerData as Trial;
if (wrong !== undefined) putWrong(wrong);
const { Day } = await import('../day.ts');
const day = new Day(options, seed);
day.run();
parentPort?.postMessage([...day.rules.broken.keys()] satisfies Rule[]);
