import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { native } from '../native.ts';
import { Doorbell, ringDoorbell } from './doorbell.ts';
import { nameThread, pinThread, SchedulingPolicy, scheduleThread, threadCpus } from './thread.ts';

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

test('scheduling: batch and back; a priority that does not suit the policy is refused', () => {
  scheduleThread(SchedulingPolicy.batch);
  scheduleThread(SchedulingPolicy.other);
  assert.throws(() => scheduleThread(SchedulingPolicy.other, 5), { code: 'EINVAL' });
  assert.throws(() => native.threadSchedule(4 as never, 0), { code: 'EINVAL' });
  assert.throws(() => scheduleThread(SchedulingPolicy.fifo, 100), RangeError);
});

test('a doorbell wakes its owner and counts rings', async () => {
  const rung = Promise.withResolvers<number>();
  const bell = new Doorbell(rung.resolve);
  ringDoorbell(bell.id);
  ringDoorbell(bell.id);
  assert.equal(await rung.promise, 2);
  bell.close();
  bell.close();
  ringDoorbell(bell.id);
});

test('a number that comes again does not bring old rings along', async () => {
  const first = new Doorbell(() => assert.fail('closed'));
  first.close();
  ringDoorbell(first.id);
  const rung = Promise.withResolvers<number>();
  const second = new Doorbell(rung.resolve);
  assert.equal(second.id, first.id);
  ringDoorbell(second.id);
  assert.equal(await rung.promise, 1);
  second.close();
  assert.throws(() => ringDoorbell(1_000_000), RangeError);
});

test('a doorbell is rung from another thread', async () => {
  const rung = Promise.withResolvers<number>();
  const bell = new Doorbell(rung.resolve);
  const module = JSON.stringify(new URL('./doorbell.ts', import.meta.url).href);
  const source = `import(${module}).then(({ ringDoorbell }) => ringDoorbell(${bell.id}))`;
  const worker = new Worker(source, { eval: true });
  assert.equal(await rung.promise, 1);
  bell.close();
  await worker.terminate();
});
