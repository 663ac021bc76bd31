/**
 * Puts small faults into source files, one at a time, and tells which ones the tests do not notice.
 *
 *     node scripts/mutate.ts qpack                                   a codec of scripts/mutate/codecs.ts
 *     node scripts/mutate.ts settings/fields.ts [--tests 'glob']     one file, by its codec's tests or those of its folder
 *
 * Works on a temporary copy of the tree. `--slice 2/5` tries the second of five parts of the faults, `--survived FILE` only
 * those that an earlier run, whose output that file is, says were not noticed. Faults that change nothing anybody could see
 * stand in scripts/mutate/equivalent.json with the reason and do not count. Exit code 1 when less than `--min` percent (80)
 * are noticed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CODECS } from './mutate/codecs.ts';
import { isEquivalent } from './mutate/equivalent.ts';
import { type Mutation, mutationsOf } from './mutate/mutations.ts';

const FIRST_LIMIT_MS = 120_000;
const LEAST_LIMIT_MS = 6000;
const NOT_COPIED = ['.git', 'node_modules', '.cloudbridge'];

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

const copyTree = (): string => {
  const copy = mkdtempSync(join(tmpdir(), 'mutate-'));
  cpSync(root, copy, { recursive: true, filter: (path) => !NOT_COPIED.includes(relative(root, path)) });
  symlinkSync(realpathSync(join(root, 'node_modules')), join(copy, 'node_modules'));
  return copy;
};

let running: ChildProcess | undefined;

/** @returns whether all tests passed within the limit; stops at the first that fails */
const passes = (copy: string, tests: readonly string[], limitMs: number): Promise<boolean> =>
  new Promise((done) => {
    const args = ['--test', '--test-isolation=none', '--test-reporter=tap', ...tests];
    const env = { ...process.env, NODE_COMPILE_CACHE: join(copy, '.compiled') };
    const child = spawn(process.execPath, args, { cwd: copy, env, stdio: ['ignore', 'pipe', 'ignore'] });
    running = child;
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
    let failed = false;
    const stop = (): void => {
      failed = true;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(stop, limitMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (/^\s*not ok /m.test(text)) stop();
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      done(!failed && code === 0);
    });
  });

type Score = { readonly noticed: number; readonly all: number };

const percentOf = ({ noticed, all }: Score): number => (all === 0 ? 100 : (100 * noticed) / all);
const tell = (name: string, score: Score): void =>
  console.log(`${name}: ${score.noticed} of ${score.all} noticed, ${percentOf(score).toFixed(1)} %`);

const survivor = (file: string, { line, from, to }: Mutation): string =>
  `survived ${file}:${line}: ${from} → ${to === '' ? 'nothing' : to}`;
const before = values.survived === undefined ? undefined : new Set(readFileSync(values.survived, 'utf8').split('\n'));

const runFile = async (copy: string, file: string, tests: readonly string[], limitMs: number): Promise<Score> => {
  const source = readFileSync(join(root, file), 'utf8');
  const lines = source.split('\n');
  const mutations = mutationsOf(source)
    .filter(({ line, from, to }) => !isEquivalent({ file, code: lines[line - 1] ?? '', from, to }))
    .filter((mutation) => before?.has(survivor(file, mutation)) ?? true)
    .filter((_, i) => i % parts === part - 1);
  let noticed = 0;
  for (const mutation of mutations) {
    writeFileSync(join(copy, file), mutation.source);
    if (await passes(copy, tests, limitMs)) console.log(survivor(file, mutation));
    else noticed++;
  }
  writeFileSync(join(copy, file), source);
  const score = { noticed, all: mutations.length };
  tell(file, score);
  return score;
};

/** @param globs of tests, the quickest first */
const run = async (copy: string, name: string, files: readonly string[], globs: readonly string[]): Promise<Score> => {
  const tests = [...new Set(globs.flatMap((glob) => globSync(glob, { cwd: copy }).sort()))];
  const began = performance.now();
  if (tests.length === 0 || !(await passes(copy, tests, FIRST_LIMIT_MS)))
    throw new Error(`${globs.join(' ')}: tests must pass first`);
  const limitMs = Math.max(LEAST_LIMIT_MS, 5 * (performance.now() - began));
  const sum = { noticed: 0, all: 0 };
  for (const file of files) {
    const { noticed, all } = await runFile(copy, file, tests, limitMs);
    sum.noticed += noticed;
    sum.all += all;
  }
  if (files.length > 1) tell(name, sum);
  return sum;
};

const runNamed = (copy: string, name: string): Promise<Score> => {
  const codec = CODECS[name];
  if (codec !== undefined) return run(copy, name, codec.files, values.tests ? [values.tests] : codec.tests);
  const file = relative(root, resolve(name));
  const tests = Object.values(CODECS).find(({ files }) => files.includes(file))?.tests;
  return run(copy, file, [file], values.tests ? [values.tests] : (tests ?? [join(dirname(file), '**/*.test.ts')]));
};

const copy = copyTree();
process.on('exit', () => {
  running?.kill('SIGKILL');
  rmSync(copy, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(2));

for (const name of positionals) {
  if (percentOf(await runNamed(copy, name)) < Number(values.min)) process.exitCode = 1;
}
