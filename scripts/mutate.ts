/**
 * Puts small faults into source files, one at a time, and tells which ones the tests do not notice.
 *
 *     node scripts/mutate.ts                                         all codecs of scripts/mutate/codecs.ts
 *     node scripts/mutate.ts qpack                                   one of them
 *     node scripts/mutate.ts settings/fields.ts [--tests 'glob']     one file, by its codec's tests or those of its folder
 *
 * The tree stays as it is. `--slice 2/5` tries the second of five parts of the faults, `--survived FILE` only those that an
 * earlier run, whose output that file is, says were not noticed. Faults that change nothing anybody could see stand in
 * scripts/mutate/equivalent.json with the reason and do not count. `--record` puts the scores into docs/bad-input.md. Exit
 * code 1 when less than `--min` percent (80) of a codec's are noticed.
 */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { constants, setPriority } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CODECS, type Codec } from './mutate/codecs.ts';
import { isEquivalent } from './mutate/equivalent.ts';
import { type Mutation, mutationsOf } from './mutate/mutations.ts';
import { ProcessRunner } from './mutate/processes.ts';
import { QuickRunner } from './mutate/quick.ts';
import { LEAST_LIMIT_MS, type Runner } from './mutate/runner.ts';
import { formatPercent, percentOf, record, type Score, summaryOf } from './mutate/score.ts';

const FIRST_LIMIT_MS = 120_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tests: { type: 'string' },
    slice: { type: 'string', default: '1/1' },
    survived: { type: 'string' },
    min: { type: 'string', default: '80' },
    record: { type: 'boolean', default: false },
  },
});

if (values.record && (values.slice !== '1/1' || values.survived !== undefined))
  throw new RangeError('a score is of all faults: leave out --slice and --survived to --record it');

const [part = 1, parts = 1] = values.slice.split('/').map(Number);
const root = resolve(import.meta.dirname, '..');

const tell = (name: string, score: Score): void =>
  console.log(`${name}: ${score.noticed} of ${score.all} noticed, ${formatPercent(score)}`);

/** At a terminal: how far it is, in one line that is written over. */
const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
};

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
  const found = globs.flatMap((glob) => globSync(glob, { cwd: root }).sort());
  // Its own tests notice most.
  const own = file.replace(/\.ts$/, '.test.ts');
  const tests = [...new Set([...found.filter((path) => path === own), ...found])];
  const trial = { file, tests };
  runner = needsProcess === true ? new ProcessRunner(root, trial) : new QuickRunner(root, trial);
  const source = readFileSync(join(root, file), 'utf8');
  const began = performance.now();
  if (tests.length === 0 || !(await runner.passes(stripTypeScriptTypes(source), FIRST_LIMIT_MS)))
    throw new Error(`${globs.join(' ')}: tests must pass first`);
  const limitMs = Math.max(LEAST_LIMIT_MS, 5 * (performance.now() - began));
  const mutations = mutationsIn(file, source);
  let noticed = 0;
  for (const [i, mutation] of mutations.entries()) {
    progress(`${file}: ${i} of ${mutations.length}`);
    const passed = await runner.passes(mutation.source, limitMs);
    progress('');
    if (passed) console.log(survivor(file, mutation));
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

const names = positionals.length > 0 ? positionals : Object.keys(CODECS);
const scores = new Map<string, Score>();
for (const [i, name] of names.entries()) {
  if (names.length > 1) console.log(`\n${name} (${i + 1} of ${names.length})`);
  const score = await run(name);
  scores.set(name, score);
  if (percentOf(score) < Number(values.min)) process.exitCode = 1;
}
if (names.length > 1) console.log(`\n${summaryOf(scores, Number(values.min))}`);
if (values.record) {
  const manual = join(root, 'docs/bad-input.md');
  writeFileSync(manual, record(readFileSync(manual, 'utf8'), scores));
}
