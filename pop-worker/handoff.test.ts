import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { FlipClient } from './testing/flip/flip-client.ts';
import { type Pop, TwoPops } from './testing/flip/pops.ts';
import { needsNamespaces } from './testing/world.ts';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const pops = async (t: TestContext, settings: Parameters<TwoPops['build']>[0] = {}): Promise<TwoPops> => {
  const world = new TwoPops();
  t.after(() => world.close());
  await world.build(settings);
  await Promise.all([world.start('a'), world.start('b')]);
  return world;
};

const handed = (world: TwoPops, pop: Pop, direction: 'sent' | 'received'): number =>
  world.metrics(pop).get(`cloudbridge_handoff_datagrams_total{direction="${direction}"}`) ?? Number.NaN;

test('connections go on while their route leads to another PoP and back, and new ones come about meanwhile', {
  skip: needsNamespaces,
  timeout: 120_000,
}, async (t) => {
  const world = await pops(t);
  const client = await FlipClient.connect(world, 20, 20);
  client.begin(true);
  for (let i = 0; i < 20; i++) {
    await pause(100);
    world.route(i % 2 === 0 ? 'b' : 'a');
  }
  const report = await client.end();
  assert.deepEqual(report.ended, []);
  assert.deepEqual(report.failed, []);
  assert.ok(report.payloadBytes >= 1400, `full packets: ${report.payloadBytes}`);
  assert.ok(report.sentMs.length > 200, `${report.sentMs.length} packets came back`);
  assert.deepEqual(report.lost, []);
  assert.ok(report.opened.length > 10, `${report.opened.length} connections were opened`);
  assert.ok(handed(world, 'b', 'sent') > 100, 'what came to b was handed to a');
  assert.equal(handed(world, 'a', 'received'), handed(world, 'b', 'sent'));
  const seen = world.metrics('a');
  for (const [series, value] of seen) {
    if (/^cloudbridge_handoff_(refused|unsent)/.test(series)) assert.equal(value, 0, series);
  }
});

test('a fleet comes to another key of connection IDs while connections live and move: none is lost', {
  skip: needsNamespaces,
  timeout: 120_000,
}, async (t) => {
  const world = new TwoPops();
  t.after(() => world.close());
  await world.build({ tls: 'cid_keys = "cids.keys"', threads: 2 });
  const put = (...lines: string[]): void =>
    writeFileSync(path.join(world.folder, 'cids.keys'), `${lines.join('\n')}\n`, { mode: 0o600 });
  const [old, next] = ['0 derived', `1 ${'5a'.repeat(16)}`] as const;
  put(old);
  await Promise.all([world.start('a'), world.start('b')]);
  const client = await FlipClient.connect(world, 20, 20);
  client.begin(true);
  const flips = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      await pause(100);
      world.route(i % 2 === 0 ? 'b' : 'a');
    }
  };
  const uses = (pop: Pop): string[] =>
    [...world.metrics(pop)]
      .filter(([series, threads]) => series.startsWith('cloudbridge_cids_keys_count{') && threads === 2)
      .map(([series]) => series.slice('cloudbridge_cids_keys_count'.length));
  const told = async (pop: Pop): Promise<void> =>
    assert.match(await world.reload(pop), /"files":\[.*"keys of connection IDs"/);
  await flips(4);
  // All learn the new key before anybody makes connection IDs by it.
  put(old, next);
  for (const pop of ['a', 'b'] as const) {
    await told(pop);
    await flips(2);
  }
  for (const pop of ['a', 'b'] as const)
    assert.deepEqual(uses(pop), ['{number="0",use="makes"}', '{number="1",use="reads"}']);
  put(next, old);
  await told('a');
  await flips(6);
  assert.deepEqual(uses('a'), ['{number="0",use="reads"}', '{number="1",use="makes"}']);
  assert.deepEqual(uses('b'), ['{number="0",use="makes"}', '{number="1",use="reads"}'], 'one makes by each');
  await told('b');
  await flips(6);
  // Another key under a number that is in use: nothing is read again.
  put(`1 ${'77'.repeat(16)}`);
  assert.match(await world.reload('a'), /not read again.*number 1 is another one.*give it a number that no key has/);
  put(next);
  for (const pop of ['a', 'b'] as const) await told(pop);
  await flips(8);
  const report = await client.end();
  assert.deepEqual([report.ended, report.failed, report.lost], [[], [], []]);
  assert.ok(report.sentMs.length > 200, `${report.sentMs.length} packets came back`);
  assert.deepEqual(uses('b'), ['{number="1",use="makes"}']);
  assert.ok(handed(world, 'b', 'sent') > 100, 'what came to b was handed to a');
});
