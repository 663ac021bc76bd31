import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '@bufbuild/protobuf';
import { isUnknown, leftOf, untilDone } from './drain-wait.ts';

const worker = (id: string, status?: JsonObject): JsonObject => ({
  ...{ pop: 'moscow', id },
  ...(status && { status: { connected: true, ...status } }),
});
const draining = (sessions: number): JsonObject => ({ health: 'HEALTH_DRAINING', sessions });

test('what is left of a worker that drains', () => {
  assert.equal(
    leftOf('drain', worker('w1', { health: 'HEALTH_SERVING', sessions: 0 })),
    'moscow/w1 does not drain yet',
  );
  assert.equal(leftOf('drain', worker('w1', draining(2))), 'moscow/w1 has 2 sessions');
  assert.equal(leftOf('drain', worker('w1', draining(1))), 'moscow/w1 has 1 session');
  for (const gone of [worker('w1', draining(0)), worker('w1', { health: 'HEALTH_STOPPED', sessions: 3 })])
    assert.equal(leftOf('drain', gone), undefined);
  const stopped = worker('w1', { health: 'HEALTH_STOPPED', connected: false, sessions: 3 });
  assert.equal(leftOf('drain', stopped), undefined);
  const serving = worker('w1', { health: 'HEALTH_SERVING' });
  assert.match(leftOf('undrain', { ...serving, popDrain: true }) ?? '', /w1 is drained still \(by its PoP\)/);
  assert.match(leftOf('undrain', { ...serving, drain: true }) ?? '', /w1 is drained still \(by itself\)/);
  assert.equal(leftOf('undrain', stopped), 'moscow/w1 does not serve yet');
  assert.equal(leftOf('undrain', worker('w1', draining(0))), 'moscow/w1 does not serve yet');
  assert.equal(leftOf('undrain', worker('w1', { health: 'HEALTH_SERVING' })), undefined);
  const undrained = worker('w1', { health: 'HEALTH_SERVING', localOrder: 'LOCAL_ORDER_UNDRAIN' });
  assert.match(leftOf('drain', { ...undrained, drain: true }) ?? '', /w1 was undrained at its machine/);
});

test('a worker that is cut off may serve on, whatever it said last: it is not done', () => {
  const last = { connected: false, reportTime: '2026-11-20T10:00:00Z' };
  const cut = worker('w1', { ...last, health: 'HEALTH_SERVING', sessions: 500 });
  const text = 'moscow/w1 is not reached (last heard 2026-11-20T10:00:00Z: serving, 500 sessions)';
  for (const verb of ['drain', 'undrain'] as const) assert.equal(leftOf(verb, cut), text);
  // It may have been told to serve at its own machine since.
  assert.match(
    leftOf('drain', worker('w1', { ...draining(0), ...last })) ?? '',
    /not reached .*: draining, 0 sessions/,
  );
  assert.match(leftOf('drain', worker('w1')) ?? '', /not reached \(nothing was heard of it within a day\)/);
  assert.equal(isUnknown(cut), true);
  assert.equal(isUnknown(worker('w1', draining(1))), false);
});

test('it is waited until all have gone, and what is left is told when it changes', async () => {
  const said = [
    [7, 3],
    [7, 3],
    [1, 0],
    [0, 0],
    [9, 9],
  ].map(([a = 0, b = 0]) => [worker('w1', draining(a)), worker('w2', draining(b))]);
  const lines: string[] = [];
  const { workers, left } = await untilDone(
    'drain',
    async () => said.shift() ?? [],
    60,
    (line) => lines.push(line),
    1,
  );
  assert.deepEqual(lines, [
    'Waiting: moscow/w1 has 7 sessions, moscow/w2 has 3 sessions.',
    'Waiting: moscow/w1 has 1 session.',
  ]);
  assert.deepEqual([workers.length, left, said.length], [2, [], 1]);
});

test('time may be up first', async () => {
  const { left } = await untilDone(
    'drain',
    async () => [worker('w1', draining(7))],
    0,
    () => {},
    1,
  );
  assert.deepEqual(left, ['moscow/w1 has 7 sessions']);
});
