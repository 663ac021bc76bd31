import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { QlogSettings } from '#host/qlog/recorder.ts';
import { QlogOrder } from './qlog-order.ts';

const LIMITS = { format: 'sequential', connections: 10, connection_bytes: 1 << 20, total_bytes: 1 << 24 } as const;

const made = (t: TestContext, more: { directory?: string; enabled?: boolean; threads?: number } = {}) => {
  const folder = mkdtempSync(join(tmpdir(), 'cloudbridge-qlog-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const directory = more.directory ?? folder;
  const told: (QlogSettings | undefined)[] = [];
  const listen = { threads: more.threads ?? 1 } as ConstructorParameters<typeof QlogOrder>[0]['listen'];
  const qlog = { ...LIMITS, directory, enabled: more.enabled ?? false };
  return { folder, told, order: new QlogOrder({ qlog, listen }, (settings) => told.push(settings)) };
};

test('off until told, unless the file says otherwise; off again by order', (t) => {
  const { order, told, folder } = made(t);
  order.begin();
  assert.deepEqual([order.order({}), told], [{ on: false, directory: folder }, []]);
  assert.deepEqual(order.order({ state: 'on' }), { on: true, directory: folder });
  assert.deepEqual(order.order({ state: 'on' }), { on: true, directory: folder });
  assert.deepEqual(told, [
    { directory: folder, format: 'sequential', connections: 10, connectionBytes: 1 << 20, totalBytes: 1 << 24 },
  ]);
  assert.deepEqual(order.order({ state: 'off' }), { on: false, directory: folder });
  order.order({ state: 'off' });
  assert.deepEqual(told.slice(1), [undefined]);
  const enabled = made(t, { enabled: true });
  enabled.order.begin();
  assert.equal(enabled.order.state.on, true);
});

test('for a while, then it ends by itself; another order has another time', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.UTC(2026, 0, 1) });
  const { order, told } = made(t);
  assert.equal(order.order({ state: 'on', seconds: 60 }).until, '2026-01-01T00:01:00.000Z');
  t.mock.timers.tick(30_000);
  assert.equal(order.order({ state: 'on', seconds: 60 }).until, '2026-01-01T00:01:30.000Z');
  t.mock.timers.tick(59_999);
  assert.equal(order.state.on, true);
  t.mock.timers.tick(1);
  assert.deepEqual([order.state.on, order.state.until, told.length], [false, undefined, 2]);
  order.order({ state: 'on', seconds: 60 });
  assert.equal(order.order({ state: 'on' }).until, undefined);
  t.mock.timers.tick(100_000_000);
  assert.equal(order.state.on, true);
});

test('each thread has its share of what is left in the directory', (t) => {
  const { order, told, folder } = made(t, { threads: 4 });
  writeFileSync(join(folder, 'a_server.sqlog'), '');
  truncateSync(join(folder, 'a_server.sqlog'), 1 << 20);
  writeFileSync(join(folder, 'other'), 'does not count');
  order.order({ state: 'on' });
  assert.deepEqual([told[0]?.totalBytes, told[0]?.connections], [((1 << 24) - (1 << 20)) / 4, 3]);
});

test('what cannot be is refused in a sentence, and nothing is told to threads', (t) => {
  const { folder, order, told } = made(t);
  for (const seconds of [0, -1, 1.5, 86_401, '60', null]) {
    assert.throws(() => order.order({ state: 'on', seconds }), { message: 'seconds is a whole number, 1 to 86400' });
  }
  for (const state of ['maybe', 1, null])
    assert.throws(() => order.order({ state }), { message: 'state is on or off' });
  writeFileSync(join(folder, 'b.sqlog'), '');
  truncateSync(join(folder, 'b.sqlog'), 1 << 24);
  assert.throws(() => order.order({ state: 'on' }), {
    name: 'StartError',
    message: `${folder} has 16777216 bytes of logs, and [qlog] total_bytes allows 16777216: remove some, or raise it and restart`,
  });
  const missing = made(t, { directory: join(folder, 'missing') });
  assert.throws(
    () => missing.order.order({ state: 'on' }),
    /no connection can be logged to .*missing, it is not there \(ENOENT\)/,
  );
  const file = made(t, { directory: join(folder, 'b.sqlog'), enabled: true });
  assert.throws(() => file.order.begin(), /no connection can be logged to .*b\.sqlog, .*\(E(NOTDIR|ACCES)\)/);
  const none = new QlogOrder({ qlog: undefined, listen: { threads: 1 } as never }, (settings) => told.push(settings));
  none.begin();
  assert.throws(() => none.order({ state: 'on' }), /set \[qlog\] directory in the worker's file/);
  assert.deepEqual(none.order({ state: 'off' }), { on: false });
  assert.deepEqual(told, []);
});
