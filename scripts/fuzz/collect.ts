import { registerHooks } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { collectTrials, type Trial } from '../corpus/survive.ts';
import { runningTest, runRegistered } from '../mutate/quick-test.ts';
import { root } from '../setup/paths.mjs';

export interface NamedTrial extends Trial {
  /** Of the test that it stands in; with a number where a test has several. */
  readonly name: string;
}

/** Other tests of the file need not be run. */
const hasTrial = (act: (...some: never) => unknown): boolean => /\bsurvive(?:Async)?\(/.test(act.toString());

const runner = new URL('../mutate/quick-test.ts', import.meta.url).href;
let isHooked = false;

/** Tests are run by us, in this process, so that what they make for a parser is there for it. */
const hook = (): void => {
  if (isHooked) return;
  isHooked = true;
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'node:test' ? { url: runner, format: 'module', shortCircuit: true } : next(specifier, context),
  });
};

/**
 * Every `survive` of a file of tests, as a trial.
 *
 * @param file from the top of the clone
 * @throws what a test of it throws, before anything is tried
 */
export const trialsOf = async (file: string): Promise<NamedTrial[]> => {
  hook();
  const found: NamedTrial[] = [];
  collectTrials((trial) => {
    const test = runningTest();
    const before = found.filter(({ name }) => name === test || name.startsWith(`${test} (`)).length;
    found.push({ ...trial, name: before === 0 ? test : `${test} (${before + 1})` });
  });
  try {
    await import(pathToFileURL(join(root, file)).href);
    await runRegistered(hasTrial);
  } finally {
    collectTrials(undefined);
  }
  return found;
};
