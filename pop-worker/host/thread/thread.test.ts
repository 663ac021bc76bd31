import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { native } from '../native.ts';
import { makeRealtime, nameThread, pinThread, threadCpus } from './thread.ts';

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

/** Fields 40 and 41 of proc(5)'s stat: real-time priority and policy. */
const scheduling = (): string => {
  const [, rest = ''] = readFileSync('/proc/thread-self/stat', 'utf8').split(/\) (?=\S \d)/);
  return rest.split(' ').slice(37, 39).join(' ');
};

test('a thread goes before ordinary ones, or is told that it may not', (t) => {
  t.after(() => makeRealtime(0));
  assert.equal(scheduling(), '0 0');
  if (makeRealtime(10)) assert.equal(scheduling(), '10 2');
  else assert.equal(scheduling(), '0 0');
  assert.equal(makeRealtime(0), true);
  assert.equal(scheduling(), '0 0');
  assert.throws(() => makeRealtime(100), RangeError);
});
