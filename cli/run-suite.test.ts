import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CaseContext, SuiteRow } from '#bench/suite.ts';
import type { Measurement } from '#telemetry/measurement.ts';
import { Output } from './output.ts';
import { runSuites, type SuiteRun } from './run-suite.ts';

type Run = (context: CaseContext, count: number) => Measurement[];

/** Runs one case of a suite `s`. @returns what it printed, and the exit code */
const runOne = async (run: Run, how: Partial<SuiteRun> = {}, runs?: number) => {
  const text = { stdout: '', stderr: '' };
  const sink = (name: keyof typeof text) => ({
    write: (more: string) => {
      text[name] += more;
    },
  });
  const output = new Output('lines', sink('stdout'), sink('stderr'));
  let count = 0;
  const one = { name: 'c', summary: '', run: async (context: CaseContext) => run(context, ++count) };
  const cases = [runs === undefined ? one : { ...one, runs }];
  const registry: SuiteRow[] = [{ name: 's', summary: '', load: async () => cases }];
  const exitCode = await runSuites(output, registry, ['s'], { kind: 'bench', runs: undefined, peers: true, ...how });
  const lines = text.stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as object);
  return { lines, stderr: text.stderr, exitCode, count };
};

test('a case is run as often as the user says, else as it says itself, else once', async () => {
  const run: Run = (_context, count) => [{ metric: 'm', value: count, unit: 'count' }];
  assert.equal((await runOne(run)).count, 1);
  const { count, lines } = await runOne(run, {}, 3);
  assert.equal(count, 3);
  assert.deepEqual(lines, [{ suite: 's', case: 'c', metric: 'm', value: 2, unit: 'count', runs: 3, min: 1, max: 3 }]);
  assert.equal((await runOne(run, { runs: 2 }, 3)).count, 2);
});

test('the figures of one metric are merged by whose they are', async () => {
  const run: Run = (_context, count) => [
    { metric: 'm', value: count, unit: 'count' },
    { metric: 'm', value: 10 * count, unit: 'count', peer: 'p' },
  ];
  const { lines } = await runOne(run, { runs: 3 });
  assert.deepEqual(
    lines.map((line) => (line as { value: number }).value),
    [2, 20],
  );
});

test('a bar that is missed fails, with its line', async () => {
  const { lines, exitCode } = await runOne(() => [{ metric: 'm', value: 1, unit: 'ratio', bar: { atLeast: 2 } }]);
  assert.deepEqual(lines, [{ suite: 's', case: 'c', metric: 'm', value: 1, unit: 'ratio', bar: 2, pass: false }]);
  assert.equal(exitCode, 1);
});

test('a peer that is skipped has one line for all runs, and fails unless the table allows its reason', async () => {
  const run: Run = (context) => {
    context.remark('so it is');
    context.skipPeer('p', 'no such thing');
    return [{ metric: 'm', value: 1, unit: 'count' }];
  };
  const { lines, stderr, exitCode } = await runOne(run, { runs: 2 });
  assert.deepEqual(lines[1], { suite: 's', case: 'c', peer: 'p', skipped: 'no such thing' });
  assert.equal(lines.length, 2);
  assert.match(stderr, /c: so it is/);
  assert.equal(exitCode, 1);
});

test('no other case is run once nobody can read the figures', async () => {
  let count = 0;
  const run = async (): Promise<Measurement[]> => [{ metric: 'm', value: ++count, unit: 'count' }];
  const cases = ['a', 'b'].map((name) => ({ name, summary: '', run }));
  const gone = { write: () => true, errored: Object.assign(new Error('gone'), { code: 'EPIPE' }) };
  const registry: SuiteRow[] = [{ name: 's', summary: '', load: async () => cases }];
  const output = new Output('table', gone, { write: () => true });
  const running = runSuites(output, registry, ['s'], { kind: 'bench', runs: undefined, peers: true });
  await assert.rejects(running, { name: 'OutputLost', message: /, what reads it has ended \(EPIPE\)/ });
  assert.equal(count, 1);
});
