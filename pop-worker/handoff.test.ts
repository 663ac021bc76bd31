import assert from 'node:assert/strict';
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
