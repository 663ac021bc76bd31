import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectFailure } from './failure.ts';
import { type FakeLink, obliging, settle, VirtualWorld } from './testing/virtual-world.ts';

const SECOND = 1_000_000;
const MINUTE = 60 * SECOND;
const NAMES = { 'edge.test': ['2001:db8::1', '192.0.2.1'] };
const carriers = ({ links }: VirtualWorld): string[] => links.map(({ target }) => target.carrier);
const connected = ({ events }: VirtualWorld) =>
  events.flatMap((event) => (event.type === 'connected' ? event.carrier : []));
const byTcp = (link: FakeLink): void => {
  if (link.target.carrier === 'tcp') obliging(link);
};

/** Packets keep coming while time passes. */
const liveFor = async (world: VirtualWorld, us: number): Promise<void> => {
  for (let passed = 0; passed < us; passed += 500_000) {
    for (const link of world.links) link.received++;
    await world.pass(500_000);
  }
};

const silent = async (): Promise<VirtualWorld> => {
  const world = new VirtualWorld({ carrier: 'auto', names: NAMES, onDial: byTcp });
  await world.start();
  await world.pass(2 * SECOND);
  return world;
};

test('where QUIC answers nobody goes by TCP', async () => {
  const world = new VirtualWorld({ carrier: 'auto', names: NAMES, onDial: obliging });
  await world.start();
  await world.pass(10 * SECOND);
  assert.deepEqual([carriers(world), connected(world)], [['quic'], ['quic']]);
});

test('QUIC that takes a second is waited for', async () => {
  const world = new VirtualWorld({ carrier: 'auto', names: NAMES });
  world.onDial = (link) => void world.after(1.2 * SECOND, () => obliging(link));
  await world.start();
  await world.pass(10 * SECOND);
  assert.deepEqual(connected(world), ['quic']);
  assert.ok(!carriers(world).includes('tcp'));
});

test('where no UDP gets through TCP is tried after 1.5 s, and at once after the next loss', async () => {
  const world = await silent();
  assert.deepEqual(carriers(world), ['quic', 'quic', 'tcp']);
  assert.deepEqual([connected(world), world.links.filter(({ isClosed }) => !isClosed).length], [['tcp'], 1]);
  await liveFor(world, 6 * SECOND);
  world.last.sink.lost(new ConnectFailure('gone'));
  await world.pass(300_000);
  assert.deepEqual(connected(world), ['tcp', 'tcp']);
});

test('QUIC that is refused at once makes room for TCP at once', async () => {
  const world = new VirtualWorld({ carrier: 'auto' });
  world.onDial = (link) => {
    if (link.target.carrier === 'quic') link.sink.lost(new ConnectFailure('unreachable'));
    else obliging(link);
  };
  await world.start();
  await world.pass(0);
  assert.deepEqual(connected(world), ['tcp']);
});

test('one who is connected by TCP looks for QUIC every five minutes, and changes over', async () => {
  const world = await silent();
  await liveFor(world, 5 * MINUTE + 4 * SECOND);
  assert.deepEqual([connected(world), world.links.length], [['tcp'], 4], 'in vain, and nobody noticed');
  world.onDial = obliging;
  await liveFor(world, 5 * MINUTE + SECOND);
  assert.deepEqual(connected(world), ['tcp', 'quic']);
  assert.ok(!world.events.some(({ type }) => type === 'disconnected'), 'without a break');
  assert.equal(world.links.filter(({ isClosed }) => !isClosed).length, 1);
  world.session.stop();
  await settle();
  assert.equal(world.pending, 0);
});

test('nothing but TCP, or nothing but QUIC, where that is asked for', async () => {
  for (const carrier of ['tcp', 'quic'] as const) {
    const world = new VirtualWorld({ carrier, names: NAMES });
    await world.start();
    await world.pass(20 * SECOND);
    assert.deepEqual([...new Set(carriers(world))], [carrier]);
    world.onDial = obliging;
    await world.pass(20 * SECOND);
    assert.deepEqual(connected(world), [carrier]);
    await liveFor(world, 6 * MINUTE);
    assert.deepEqual([...new Set(carriers(world))], [carrier], 'nobody looks for another');
  }
});
