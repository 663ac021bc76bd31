import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { nowUs } from '#host/clock/clock.ts';
import { ip, needsRoot } from '#host/testing/namespace.ts';
import { Diagnostic, State } from '#protocol/bfd/state.ts';
import { SeatedBfd } from './seat.ts';
import { FAST, Heard, startThread, until } from './testing/heard.ts';
import { testLink } from './testing/link.ts';
import type { SeatedOrder } from './testing/seated.ts';

/** Detection Time, and an interval that a packet may have come late by. */
const NOTICED_MS = 200;

/** A thread with a seat at one end of a link, Up with the other end. */
const made = async (t: TestContext) => {
  const [a, b] = testLink(t);
  const [thread, other] = [startThread(t, { namespace: a.path }), startThread(t, { namespace: b.path })];
  const path = { local: a.address4, remote: b.address4, multiHop: false };
  const seat = thread.seat();
  const failedAt = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT);
  const workerData: SeatedOrder = { seat, path, failedAt };
  const worker = new Worker(new URL('testing/seated.ts', import.meta.url), { workerData, transferList: [seat.port] });
  t.after(() => worker.terminate());
  const said: string[] = [];
  worker.on('message', (text: string) => said.push(text));
  const theirs = new Heard(other, { ...FAST, local: b.address4, remote: a.address4 });
  await theirs.up();
  await until('the thread is told', () => said.at(-1) === 'working');
  await until('both go fast', () => theirs.stat('detectionTimeUs') === 150_000);
  return { a, thread, theirs, worker, said, path, failedAt: new Float64Array(failedAt) };
};

test('another thread is told of a failure while the main thread does nothing else', { skip: needsRoot }, async (t) => {
  const { a, failedAt } = await made(t);
  ip('-n', a.namespace, 'link', 'set', a.device, 'down');
  const cutAt = nowUs();
  for (const end = performance.now() + 500; performance.now() < end; );
  const ms = ((failedAt[0] as number) - cutAt) / 1000;
  assert.ok(ms > 0 && ms < NOTICED_MS, `${ms} ms`);
});

test('a path belongs to one thread, and a thread that leaves ends its sessions', { skip: needsRoot }, async (t) => {
  const { thread, theirs, worker, path } = await made(t);
  const second = new Heard(thread, { ...FAST, ...path });
  await until('it is refused', () => second.said.length > 0);
  assert.match(second.said[0] ?? '', /^refused: /);
  worker.postMessage('leave');
  await until('the neighbour is told', () => theirs.changes.at(-1)?.to === State.down);
  assert.equal(theirs.changes.at(-1)?.remoteDiagnostic, Diagnostic.administrativelyDown);
  const again = new Heard(thread, { ...FAST, ...path });
  await again.up();
});

test('seats do not hear each other', { skip: needsRoot }, async (t) => {
  const [a, b] = testLink(t);
  const thread = startThread(t, { namespace: a.path });
  const seats = [thread, new SeatedBfd(thread.seat()), new SeatedBfd(thread.seat())] as const;
  t.after(() => {
    seats[1].close();
    seats[2].close();
  });
  const other = startThread(t, { namespace: b.path });
  const ends = [
    { local: a.address4, remote: b.address4 },
    { local: a.address6, remote: b.address6 },
    { local: a.address4, remote: b.address4, multiHop: true },
  ];
  const ours = ends.map((end, i) => new Heard(seats[i] ?? thread, { ...FAST, ...end }));
  const theirs = ends.map(({ local, remote, ...rest }) => {
    return new Heard(other, { ...FAST, ...rest, local: remote, remote: local });
  });
  await Promise.all([...ours, ...theirs].map((heard) => heard.up()));
  theirs[1]?.session.disable(Diagnostic.administrativelyDown);
  await until('one is told', () => ours[1]?.changes.at(-1)?.to === State.down);
  assert.deepEqual(
    ours.map((heard) => heard.stat('fromUp')),
    [0, 1, 0],
  );
  await thread.stop();
});
