// A thread in which a scenario runs, perhaps with one file of BBRv3 that is not what it should be.
import { registerHooks } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import { meetsBar } from '#telemetry/measurement.ts';
import type { Fault } from './faults.ts';

/** What a trial is given, and what it answers with: the figures whose bars are missed. */
export type Trial = { readonly scenario: string; readonly seed: number; readonly fault?: Fault };
export type Missed = readonly string[];

const { scenario: wanted, seed, fault } = workerData as Trial;

const putWrong = ({ file, from, to }: Fault): void => {
  const { href } = new URL(`../../../pop-worker/protocol/congestion/bbr/${file}`, import.meta.url);
  registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context);
      if (url !== href) return loaded;
      const parts = String(loaded.source).split(from);
      if (parts.length !== 2) throw new Error(`\`${from}\` does not stand once in ${file}.`);
      return { ...loaded, source: parts.join(to) };
    },
  });
};

if (fault !== undefined) putWrong(fault);

const { cases } = await import('../cases.ts');
const scenario = cases.find(({ name }) => name === wanted);
if (scenario === undefined) throw new Error(`There is no scenario ${wanted}.`);
const figures = await scenario.run(seed);
const missed: Missed = figures.flatMap(({ metric, value, bar }) =>
  bar !== undefined && !meetsBar(value, bar) ? [metric] : [],
);
parentPort?.postMessage(missed);
