import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { root } from './setup/paths.mjs';

/** Runs the command with a home of its own. @returns exit code and what it printed */
const commandOf = (t: TestContext) => {
  const home = mkdtempSync(path.join(tmpdir(), 'mutate-home-'));
  t.after(() => rmSync(home, { recursive: true }));
  return (...args: readonly string[]) =>
    new Promise<{ code: unknown; out: string; err: string }>((resolve) => {
      const options = { cwd: root, env: { ...process.env, CBR_HOME: home }, timeout: 50_000 };
      execFile(process.execPath, ['scripts/mutate.ts', ...args], options, (error, out, err) =>
        resolve({ code: error === null ? 0 : error.code, out, err }),
      );
    });
};

test('a run goes on where an earlier one was, slices add up, and nothing is recorded before all are tried', async (t) => {
  const mutate = commandOf(t);
  const manual = () => readFileSync(path.join(root, 'docs/bad-input.md'), 'utf8');
  const before = manual();
  const [, first] = /^.*records\.ts: \d+ of 1 noticed, .*; (\d+) were not tried yet$/m.exec(
    (await mutate('membership', '--slice', '1/1000')).out,
  ) as RegExpExecArray;
  const second = await mutate('membership', '--slice', '2/1000', '--record');
  assert.match(second.out, /^membership: 1 are known from an earlier run; --again tries them anew$/m);
  assert.match(second.out, new RegExp(`of 2 noticed, .*; ${Number(first) - 1} were not tried yet$`, 'm'));
  assert.match(second.out, new RegExp(`^membership: not recorded, ${Number(first) - 1} were not tried yet$`, 'm'));
  assert.equal(manual(), before);
  const again = await mutate('membership', '--slice', '3/1000', '--again');
  assert.match(again.out, /of 1 noticed/);
  assert.doesNotMatch(again.out, /known/);
});

test('what cannot be recorded, and what is no slice, is refused before anything is tried', async (t) => {
  const mutate = commandOf(t);
  for (const [args, why] of [
    [['membership', '--slice', '0/2'], /--slice 0\/2: give a part and their number, as in 2\/5/],
    [['settings/fields.ts', '--record'], /the manual has no row for settings\/fields\.ts: give a codec/],
    [['membership', '--record', '--survived', 'package.json'], /leave out --survived to --record it/],
  ] as const) {
    const { code, out, err } = await mutate(...args);
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, why);
  }
});

test('scores of files that have changed are said, with how to measure them again', async (t) => {
  const { code, out } = await commandOf(t)('--check');
  const stale = out
    .split('\n')
    .flatMap((line) => /^([\w-]+) .* (?:changed since|not scored yet)$/.exec(line)?.[1] ?? []);
  assert.equal(code, stale.length === 0 ? 0 : 1);
  assert.equal(out.includes(`npm run mutation -- ${stale.join(' ')} --record\n`), stale.length > 0);
  assert.match(out, /^membership +\d+\.\d % {2}/m);
});
