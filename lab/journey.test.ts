import assert from 'node:assert/strict';
import test from 'node:test';
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
