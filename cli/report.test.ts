import assert from 'node:assert/strict';
import test from 'node:test';
import { FigureError } from '#lab/errors.ts';
import { Journey, runSteps } from '#lab/journey.ts';
import { type Format, Output } from './output.ts';
import { reportStep } from './report.ts';

const RED = { metric: 'addresses_kept', value: 4, unit: 'count', bar: { atLeast: 6 } };

/** What is said of a step that saw by its figures that something is wrong. */
const told = async (format: Format): Promise<{ stdout: string; stderr: string }> => {
  const text = { stdout: '', stderr: '' };
  const sink = (name: keyof typeof text) => ({
    write: (more: string) => {
      text[name] += more;
    },
  });
  const output = new Output(format, sink('stdout'), sink('stderr'));
  const run = () => Promise.reject(new FigureError('laptop had another.', [RED]));
  const step = { name: 'pop-lost', title: 'it fails', run };
  const { completed } = await runSteps([step], new Journey('x', 1), (outcome) => reportStep(output, 'up', outcome));
  assert.equal(completed, false);
  return text;
};

test('a step that fails by what it measured shows the figures as well as the cause', async () => {
  const people = await told('table');
  assert.match(people.stdout, /^\S*✗\S* pop-lost +addresses_kept 4 \(≥ 6\)\n$/);
  assert.match(people.stderr, /^\S*✗\S* pop-lost +laptop had another\.\n$/);
  const programs = await told('lines');
  assert.deepEqual(
    programs.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object),
    [
      { suite: 'up', case: 'pop-lost', metric: 'addresses_kept', value: 4, unit: 'count', bar: 6, pass: false },
      { suite: 'up', case: 'pop-lost', metric: 'completed', value: 0, unit: 'count', bar: 1, pass: false },
    ],
  );
  assert.match(programs.stderr, /laptop had another\.\n$/);
});
