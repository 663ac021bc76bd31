/**
 * Puts small faults into a source file, one at a time, and tells which ones the tests beside it do not notice.
 *
 *     node scripts/mutate.ts pop-worker/protocol/quic/wire/varint.ts [--tests 'glob'] [--every n] [--min percent]
 *
 * Works on a temporary copy of the tree. Tests are those of the file's folder and below, unless `--tests` is given;
 * `--every n` tries each nth fault only. Exit code 1 when less than `--min` percent (80) are noticed.
 */
import { spawn } from 'node:child_process';
import { cpSync, globSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { mutationsOf } from './mutate/mutations.ts';

const FIRST_LIMIT_MS = 120_000;
const LEAST_LIMIT_MS = 10_000;
const NOT_COPIED = ['.git', 'node_modules', '.cloudbridge'];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tests: { type: 'string' },
    every: { type: 'string', default: '1' },
    min: { type: 'string', default: '80' },
  },
});

const root = resolve(import.meta.dirname, '..');

const copyTree = (): string => {
  const copy = mkdtempSync(join(tmpdir(), 'mutate-'));
  cpSync(root, copy, { recursive: true, filter: (path) => !NOT_COPIED.includes(relative(root, path)) });
  symlinkSync(realpathSync(join(root, 'node_modules')), join(copy, 'node_modules'));
  return copy;
};

/** @returns whether all tests passed within the limit; stops at the first that fails */
const passes = (copy: string, tests: readonly string[], limitMs: number): Promise<boolean> =>
  new Promise((done) => {
    const args = ['--test', '--test-isolation=none', '--test-reporter=tap', ...tests];
    const child = spawn(process.execPath, args, { cwd: copy, stdio: ['ignore', 'pipe', 'ignore'] });
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

/** @returns the percentage of faults that were noticed */
const run = async (copy: string, file: string): Promise<number> => {
  const glob = values.tests ?? join(dirname(file), '**/*.test.ts');
  const tests = globSync(glob, { cwd: copy });
  const began = performance.now();
  if (tests.length === 0 || !(await passes(copy, tests, FIRST_LIMIT_MS)))
    throw new Error(`${glob}: tests must pass first`);
  const limitMs = Math.max(LEAST_LIMIT_MS, 5 * (performance.now() - began));
  const every = Number(values.every);
  const mutations = mutationsOf(readFileSync(join(root, file), 'utf8')).filter((_, i) => i % every === 0);
  let killed = 0;
  for (const { line, from, to, source } of mutations) {
    writeFileSync(join(copy, file), source);
    if (await passes(copy, tests, limitMs))
      console.log(`survived ${file}:${line}: ${from} → ${to === '' ? 'nothing' : to}`);
    else killed++;
  }
  writeFileSync(join(copy, file), readFileSync(join(root, file)));
  const percent = mutations.length === 0 ? 100 : (100 * killed) / mutations.length;
  console.log(`${file}: ${killed} of ${mutations.length} noticed, ${percent.toFixed(1)} %`);
  return percent;
};

const copy = copyTree();
try {
  for (const path of positionals) {
    const percent = await run(copy, relative(root, resolve(path)));
    if (percent < Number(values.min)) process.exitCode = 1;
  }
} finally {
  rmSync(copy, { recursive: true, force: true });
}
