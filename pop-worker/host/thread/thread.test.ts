import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { native } from '../native.ts';
import { nameThread, pinThread, threadCpus } from './thread.ts';

test('a thread is confined to CPUs and released again', (t) => {
  const all = threadCpus();
  t.after(() => pinThread(all));
  const [first = 0] = all;
  pinThread([first]);
  assert.deepEqual(threadCpus(), [first]);
  pinThread(all);
  assert.deepEqual(threadCpus(), all);
  assert.throws(() => pinThread([]), { code: 'EINVAL' });
  assert.throws(() => pinThread([-1]), RangeError);
  assert.throws(() => pinThread([1024]), RangeError);
});

test('a thread takes a name', () => {
  const file = `/proc/self/task/${native.threadId()}/comm`;
  const before = readFileSync(file, 'utf8').trimEnd();
  nameThread('cb-dataplane-0');
  assert.equal(readFileSync(file, 'utf8'), 'cb-dataplane-0\n');
  nameThread(before);
  assert.throws(() => nameThread('sixteen bytes ..'), RangeError);
});
