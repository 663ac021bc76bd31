import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import type { Codec } from './codecs.ts';
import { type Fault, survivorLine } from './faults.ts';
import type { Journal } from './journal.ts';
import { ProcessRunner } from './processes.ts';
import type { Progress } from './progress.ts';
import { QuickRunner } from './quick.ts';
import { LEAST_LIMIT_MS, type Runner } from './runner.ts';

const FIRST_LIMIT_MS = 120_000;

/** The files of tests of one file, those first that notice most: its own. */
export const testsOf = (root: string, file: string, globs: readonly string[]): string[] => {
  const found = globs.flatMap((glob) => globSync(glob, { cwd: root }).sort());
  const own = file.replace(/\.ts$/, '.test.ts');
  return [...new Set([...found.filter((path) => path === own), ...found])];
};

/** What is tried, and where it is told. */
interface Trials {
  readonly root: string;
  readonly file: string;
  readonly codec: Codec;
  readonly faults: readonly Fault[];
  readonly journal: Journal;
  readonly progress: Progress;
}

let runner: Runner | undefined;

/** Ends the tests that run at the moment. */
export const stopTrials = async (): Promise<void> => runner?.close();

/**
 * Tries these faults of one file, and prints each that the tests do not notice.
 *
 * @throws Error when the tests do not pass without a fault
 */
export const tryFaults = async ({ root, file, codec, faults, journal, progress }: Trials): Promise<void> => {
  if (faults.length === 0) return;
  const trial = { file, tests: testsOf(root, file, codec.tests) };
  runner = codec.needsProcess === true ? new ProcessRunner(root, trial) : new QuickRunner(root, trial);
  const source = readFileSync(join(root, file), 'utf8');
  const began = performance.now();
  if (trial.tests.length === 0 || !(await runner.passes(stripTypeScriptTypes(source), FIRST_LIMIT_MS)))
    throw new Error(
      `${codec.tests.join(' ')}: tests must pass first; if they do by npm test, the codec needs needsProcess`,
    );
  const limitMs = Math.max(LEAST_LIMIT_MS, 5 * (performance.now() - began));
  for (const fault of faults) {
    const passed = await runner.passes(fault.mutation.source, limitMs);
    journal.add(fault, !passed);
    progress.clear();
    if (passed) console.log(survivorLine(fault));
    progress.step();
  }
  await runner.close();
};
