import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Fault } from './faults.ts';
import { newJournal, openJournal } from './journal.ts';
import { scoreOf } from './score.ts';

const mutation = { line: 1, from: '1', to: '2', source: '' };
const fault = (number: number, file = 'a/b.ts'): Fault => ({ file, number, mutation });

const fileOf = (t: TestContext): string => {
  const folder = mkdtempSync(path.join(tmpdir(), 'journal-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return path.join(folder, 'mutation', 'codec');
};

test('a run goes on from what an earlier one found', (t) => {
  const file = fileOf(t);
  const first = openJournal(file, { of: 'x' });
  first.add(fault(0), true);
  first.add(fault(2), false);
  const second = openJournal(file, { of: 'x' });
  assert.deepEqual(
    [0, 1, 2].map((i) => second.noticed(fault(i))),
    [true, undefined, false],
  );
  assert.equal(second.noticed(fault(0, 'a/c.ts')), undefined);
  second.add(fault(1), true);
  assert.deepEqual(
    scoreOf(
      [0, 1, 2, 3].map((i) => fault(i)),
      openJournal(file, { of: 'x' }),
    ),
    { noticed: 2, all: 3, left: 1 },
  );
});

test('it begins anew when what it is of has changed, and when asked to', (t) => {
  const file = fileOf(t);
  openJournal(file, { of: 'x' }).add(fault(0), true);
  assert.equal(openJournal(file, { of: 'x' }, true).noticed(fault(0)), undefined);
  openJournal(file, { of: 'x' }).add(fault(0), true);
  assert.equal(openJournal(file, { of: 'y' }).noticed(fault(0)), undefined);
  assert.equal(openJournal(file, { of: 'x' }).noticed(fault(0)), undefined);
});

test('where files were added only, what was noticed stays; what survived is tried again', (t) => {
  const file = fileOf(t);
  const first = openJournal(file, { of: 'x', files: { 'a.ts': '1', 'a.test.ts': '2' } });
  first.add(fault(0), true);
  first.add(fault(1), false);
  const found = (of: string, files: Record<string, string>): (boolean | undefined)[] => {
    const journal = openJournal(file, { of, files });
    return [0, 1, 2].map((i) => journal.noticed(fault(i)));
  };
  const more = { 'a.ts': '1', 'a.test.ts': '2', 'b.test.ts': '3' };
  assert.deepEqual(found('y', more), [true, undefined, undefined]);
  openJournal(file, { of: 'y', files: more }).add(fault(2), true);
  assert.deepEqual(found('z', { ...more, 'c.test.ts': '4' }), [true, undefined, true]);
  for (const changed of [
    { 'a.ts': '1', 'a.test.ts': '9', 'b.test.ts': '3', 'c.test.ts': '4' },
    { 'a.ts': '1', 'b.test.ts': '3', 'c.test.ts': '4' },
  ]) {
    openJournal(file, { of: 'z', files: { ...more, 'c.test.ts': '4' } }, true).add(fault(0), true);
    assert.deepEqual(found(`changed ${Object.keys(changed).length}`, changed), [undefined, undefined, undefined]);
  }
});

test('two runs add to one journal at the same time', (t) => {
  const file = fileOf(t);
  const one = openJournal(file, { of: 'x' });
  const other = openJournal(file, { of: 'x' });
  one.add(fault(0), true);
  other.add(fault(1), true);
  assert.equal(one.noticed(fault(1)), undefined);
  one.reload();
  assert.equal(one.noticed(fault(1)), true);
  // Begun anew meanwhile, of other files: nothing of it is ours.
  openJournal(file, { of: 'y' }).add(fault(2), true);
  one.reload();
  assert.equal(one.noticed(fault(2)), undefined);
});

test('half a line of a run that was killed says nothing', (t) => {
  const file = fileOf(t);
  openJournal(file, { of: 'x' }).add(fault(0), true);
  appendFileSync(file, 'noticed a/b.ts 1');
  const next = openJournal(file, { of: 'x' });
  next.add(fault(23), true);
  assert.equal(openJournal(file, { of: 'x' }).noticed(fault(23)), true);
  assert.equal(openJournal(file, { of: 'x' }).noticed(fault(0)), true);
  assert.equal(readFileSync(file, 'utf8').split('\n').at(-1), '');
});

test('a journal without a file ends with the run', () => {
  const journal = newJournal();
  journal.add(fault(0), false);
  assert.equal(journal.noticed(fault(0)), false);
  assert.equal(newJournal().noticed(fault(0)), undefined);
});
