import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { root } from '#scripts/setup/paths.mjs';
import { InstallationError } from '#services/installation/errors.ts';
import { LabError } from './errors.ts';
import { Journey, runSteps, type StepOutcome } from './journey.ts';

const failing = (error: Error) => ({ name: 'raise', title: 'fails', run: () => Promise.reject(error) });

test('a step that fails before there is a lab points to no log, unless it has one of its own', async () => {
  const told: StepOutcome[] = [];
  const tell = (outcome: StepOutcome): void => void told.push(outcome);
  for (const error of [
    new LabError('Lab `x` is already up.'),
    new LabError('It ended.', '/its/log'),
    new InstallationError('The disk is full.'),
  ]) {
    const result = await runSteps([failing(error)], new Journey('x', 1), tell);
    assert.deepEqual(result, { completed: false, met: true });
  }
  assert.deepEqual(
    told.map(({ failure, logFile }) => [failure, logFile]),
    [
      ['Lab `x` is already up.', undefined],
      ['It ended.', '/its/log'],
      ['The disk is full.', undefined],
    ],
  );
});

test('without wireguard-go its step is left out, says so in a sentence, and fails nothing', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-test-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const script = `import { Journey, runSteps } from './lab/journey.ts';
    import { wireguard } from './lab/steps/wireguard.ts';
    const result = await runSteps([wireguard], new Journey('x', 3), ({ skipped }) => console.log(skipped));
    console.log(result.completed, result.met);`;
  const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: root,
    env: { ...process.env, CBR_CACHE: folder },
    encoding: 'utf8',
  });
  assert.match(stdout, /^the stock WireGuard client is left out: there is no wireguard-go here[^.\n]*\ntrue true\n$/);
});
