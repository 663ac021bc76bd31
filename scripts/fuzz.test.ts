import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { readCorpus } from './corpus/corpus.ts';
import { TARGETS } from './fuzz/targets.ts';
import { root } from './setup/paths.mjs';

interface Line {
  readonly target: string;
  readonly trial: string;
  readonly runs: number;
  readonly features: number;
  readonly failure?: { readonly message: string; readonly hex: string; readonly file: string };
}

/** Runs the command with a home of its own. @returns exit code and what it printed */
const commandOf = (t: TestContext) => {
  const home = mkdtempSync(path.join(tmpdir(), 'fuzz-home-'));
  t.after(() => rmSync(home, { recursive: true }));
  return (...args: readonly string[]) =>
    new Promise<{ code: unknown; out: string; err: string }>((resolve) => {
      const options = { cwd: root, env: { ...process.env, CBR_HOME: home }, timeout: 120_000 };
      execFile(process.execPath, ['scripts/fuzz.ts', ...args], options, (error, out, err) =>
        resolve({ code: error === null ? 0 : error.code, out, err }),
      );
    });
};

const linesOf = (out: string): Line[] =>
  out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

test('all targets are tried for a few seconds, and nothing fails', async (t) => {
  const { code, out, err } = await commandOf(t)('--seconds', '5', '--json');
  assert.equal(code, 0, out + err);
  const lines = linesOf(out);
  assert.deepEqual(new Set(lines.map(({ target }) => target)), new Set(Object.keys(TARGETS)));
  for (const { trial, runs } of lines) assert.ok(runs > 0, trial);
  assert.ok(lines.filter(({ features }) => features > 10).length > 5);
});

test('faults that were put into parsers are found, made small, and come again', async (t) => {
  const fuzz = commandOf(t);
  const planted = 'scripts/fuzz/testing/planted.ts';
  const { code, out } = await fuzz(planted, '--seconds', '2', '--json');
  assert.equal(code, 1);
  const messages = Object.fromEntries(linesOf(out).map(({ trial, failure }) => [trial, failure?.message.split('\n')]));
  assert.match(String(messages['without end']), /^Error: Script execution timed out/);
  assert.match(String(messages['believes a length']), /took \d+ bytes of memory, more than/);
  assert.match(String(messages['takes its time']), /Error: rejected/);
  assert.equal(messages['has no fault'], undefined);
  const greedy = linesOf(out).find(({ trial }) => trial === 'believes a length')?.failure;
  assert.ok(greedy);
  assert.deepEqual([...Buffer.from(greedy.hex, 'hex')], [0xff, 0, 0]);
  const file = path.resolve(root, greedy.file);
  assert.equal(readCorpus(pathToFileURL(file))[0]?.bytes.length, 3);
  const again = linesOf((await fuzz(planted, '--replay', file, '--json')).out);
  assert.deepEqual(
    again.filter(({ failure }) => failure !== undefined).map(({ trial }) => trial),
    ['believes a length'],
  );
});

test('coverage leads where chance does not', async (t) => {
  const { code, out } = await commandOf(t)('scripts/fuzz/testing/planted-header.ts', '--seconds', '60');
  assert.equal(code, 1);
  assert.match(out, /^Error: the header was believed$/m);
  assert.match(out, /^npm run fuzz -- scripts\/fuzz\/testing\/planted-header\.ts --replay \S+\.json$/m);
  const [file = ''] = /\S+\.json$/m.exec(out) ?? [];
  const [found] = JSON.parse(readFileSync(path.resolve(root, file), 'utf8')) as { hex: string }[];
  assert.equal(found?.hex, '7f0dbf22');
});

test('what is no target, no time and no seed is refused with a sentence', async (t) => {
  const fuzz = commandOf(t);
  for (const [args, why] of [
    [['nothing'], /there is no target nothing: give a file of tests or one of quic-wire, /],
    [['--seconds', '0'], /--seconds 0: give a number of seconds/],
    [['--seed', 'x'], /--seed x: give a whole number/],
  ] as const) {
    const { code, out, err } = await fuzz(...args);
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, why);
  }
});
