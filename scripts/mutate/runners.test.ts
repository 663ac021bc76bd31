import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { root } from '../setup/paths.mjs';
import { ProcessRunner } from './processes.ts';
import { QuickRunner } from './quick.ts';

const trial = { file: 'scripts/mutate/testing/sum.ts', tests: ['scripts/mutate/testing/sum-examples.ts'] };
const source = stripTypeScriptTypes(readFileSync(path.join(root, trial.file), 'utf8'));
const changed = (from: string, to: string): string => {
  assert.ok(source.includes(from));
  return source.replace(from, to);
};
const LONG_MS = 60_000;

for (const [name, make] of [
  ['threads', () => new QuickRunner(root, trial)],
  ['processes', () => new ProcessRunner(root, trial)],
] as const) {
  describe(`tests against faults, in ${name}`, () => {
    const runner = make();
    after(() => runner.close());

    it('pass without a fault, and after one again', async () => {
      assert.equal(await runner.passes(source, LONG_MS), true);
      assert.equal(await runner.passes(changed('let total = 0', 'let total = 1'), LONG_MS), false);
      assert.equal(await runner.passes(source, LONG_MS), true);
    });

    it('fail where the fault is: in the second test, at the first use, in what is no program', async () => {
      for (const fault of [changed('+=', '-='), 'export const sum = null;', 'throw new Error();', 'let x = ;']) {
        assert.equal(await runner.passes(fault, LONG_MS), false);
      }
    });

    it('fail when they do not end, and go on afterwards', async () => {
      assert.equal(await runner.passes(changed('i++', 'i'), 3000), false);
      assert.equal(await runner.passes(source, LONG_MS), true);
    });

    it('fail by an error that no test catches', async () => {
      const late = `${source}\nsetTimeout(() => { throw new Error(); });\nawait new Promise((resolve) => setTimeout(resolve, 50));`;
      assert.equal(await runner.passes(late, LONG_MS), false);
      assert.equal(await runner.passes(source, LONG_MS), true);
    });
  });
}
