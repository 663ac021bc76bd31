/**
 * Puts small faults into source files, one at a time, and tells which ones the tests do not notice.
 *
 *     node scripts/mutate.ts qpack                                   a codec of scripts/mutate/codecs.ts
 *     node scripts/mutate.ts settings/fields.ts [--tests 'glob']     one file, by its codec's tests or those of its folder
 *
 * The tree stays as it is. `--slice 2/5` tries the second of five parts of the faults, `--survived FILE` only those that an
 * earlier run, whose output that file is, says were not noticed. Faults that change nothing anybody could see stand in
 * scripts/mutate/equivalent.json with the reason and do not count. Exit code 1 when less than `--min` percent (80) are
 * noticed.
 */
import { globSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { constants, setPriority } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CODECS, type Codec } from './mutate/codecs.ts';
import { isEquivalent } from './mutate/equivalent.ts';
import { type Mutation, mutationsOf } from './mutate/mutations.ts';
import { ProcessRunner } from './mutate/processes.ts';
import { QuickRunner } from './mutate/quick.ts';
import type { Runner } from './mutate/runner.ts';

const FIRST_LIMIT_MS = 120_000;
const LEAST_LIMIT_MS = 3000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tests: { type: 'string' },
    slice: { type: 'string', default: '1/1' },
    survived: { type: 'string' },
    min: { type: 'string', default: '80' },
  },
});

const [part = 1, parts = 1] = values.slice.split('/').map(Number);
const root = resolve(import.meta.dirname, '..');

type Score = { readonly noticed: number; readonly all: number };

const percentOf = ({ noticed, all }: Score): number => (all === 0 ? 100 : (100 * noticed) / all);
const tell = (name: string, score: Score): void =>
  console.log(`${name}: ${score.noticed} of ${score.all} noticed, ${percentOf(score).toFixed(1)} %`);

const survivor = (file: string, { line, from, to }: Mutation): string =>
  `survived ${file}:${line}: ${from} → ${to === '' ? 'nothing' : to}`;
const before = values.survived === undefined ? undefined : new Set(readFileSync(values.survived, 'utf8').split('\n'));

/** Those that are asked for. */
const mutationsIn = (file: string, source: string): Mutation[] => {
  const lines = source.split('\n');
  return mutationsOf(source)
    .filter(({ line, from, to }) => !isEquivalent({ file, code: lines[line - 1] ?? '', from, to }))
    .filter((mutation) => before?.has(survivor(file, mutation)) ?? true)
    .filter((_, i) => i % parts === part - 1);
};

let runner: Runner | undefined;

const runFile = async (file: string, { tests: globs, needsProcess }: Codec): Promise<Score> => {
  const tests = [...new Set(globs.flatMap((glob) => globSync(glob, { cwd: root }).sort()))];
  const trial = { file, tests };
  runner = needsProcess === true ? new ProcessRunner(root, trial) : new QuickRunner(root, trial);
  const source = readFileSync(join(root, file), 'utf8');
  const began = performance.now();
  if (tests.length === 0 || !(await runner.passes(stripTypeScriptTypes(source), FIRST_LIMIT_MS)))
    throw new Error(`${globs.join(' ')}: tests must pass first`);
  const limitMs = Math.max(LEAST_LIMIT_MS, 5 * (performance.now() - began));
  const mutations = mutationsIn(file, source);
  let noticed = 0;
  for (const mutation of mutations) {
    if (await runner.passes(mutation.source, limitMs)) console.log(survivor(file, mutation));
    else noticed++;
  }
  await runner.close();
  const score = { noticed, all: mutations.length };
  tell(file, score);
  return score;
};

/** What a word of the command line means. */
const codecOf = (name: string): Codec => {
  const named = CODECS[name];
  if (named !== undefined) return { ...named, ...(values.tests && { tests: [values.tests] }) };
  const file = relative(root, resolve(name));
  const codec = Object.values(CODECS).find(({ files }) => files.includes(file));
  const all = { files: [file], tests: [join(dirname(file), '**/*.test.ts')], needsProcess: true };
  return { ...(codec ?? all), files: [file], ...(values.tests && { tests: [values.tests], needsProcess: true }) };
};

const run = async (name: string): Promise<Score> => {
  const codec = codecOf(name);
  const sum = { noticed: 0, all: 0 };
  for (const file of codec.files) {
    const { noticed, all } = await runFile(file, codec);
    sum.noticed += noticed;
    sum.all += all;
  }
  if (codec.files.length > 1) tell(name, sum);
  return sum;
};

// Whoever works at this machine goes first.
setPriority(constants.priority.PRIORITY_LOW);
const end = (code: number): void => void runner?.close().finally(() => process.exit(code));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end(2));

for (const name of positionals) {
  if (percentOf(await run(name)) < Number(values.min)) process.exitCode = 1;
}
