// A thread in which a story is told, with one file of the product that is not what it should be.
import { parentPort, workerData } from 'node:worker_threads';
import { putWrong, type Wrong } from '../../put-wrong.ts';
import type { FaultName } from '../faults.ts';
import type { Rule } from '../rules.ts';

export interface Trial {
  readonly wrong?: Wrong;
  readonly seed: number;
  readonly faults: readonly FaultName[];
}

const { wrong, seed, faults } = workerData as Trial;
if (wrong !== undefined) putWrong(wrong);
const { tellStory } = await import('../story.ts');
/** Small: each is told in a second or two. */
const { broken } = tellStory({ pops: 9, clients: 300, faults }, seed);
parentPort?.postMessage([...broken.keys()] satisfies Rule[]);
