import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scene } from '../testing/scene.ts';
import type { DevicePast } from './ticket-age.ts';

const DATA = Uint8Array.of(1, 2, 3);
const settle = (scene: Scene) => scene.run(5000);
const where = (scene: Scene, member: number, key: string): string => {
  const record = scene.mesh(member).gossip.table.get(key);
  return record === undefined ? 'unknown' : record.gone ? 'left' : `${record.member}`;
};
const everywhere = (scene: Scene, key: string): string[] =>
  [...scene.network.nodes.keys()].map((member) => where(scene, member, key));

/** @param ticket epoch and member that its ticket says */
const arrive = (
  scene: Scene,
  member: number,
  key: string,
  { epoch = 1, ticket }: { epoch?: number; ticket?: DevicePast } = {},
): number => {
  let given = 0;
  scene.network.node(member).act((mesh, now) => {
    given = mesh.arrive(key, DATA, epoch, ticket, now);
  });
  return given;
};
const change = (scene: Scene, member: number, key: string, data: Uint8Array) =>
  scene.network.node(member).act((mesh, now) => mesh.change(key, data, now));
const leave = (scene: Scene, member: number, key: string) =>
  scene.network.node(member).act((mesh, now) => mesh.leave(key, now));

test('all know of a device within one way', () => {
  const scene = new Scene(4);
  settle(scene);
  arrive(scene, 2, 'a/phone');
  assert.deepEqual(scene.heard(2, 5000), ['a/phone at 2 (1)', 'settled a/phone (1): new']);
  scene.run(11);
  assert.deepEqual(everywhere(scene, 'a/phone'), ['2', '2', '2', '2']);
  assert.deepEqual(scene.mesh(3).gossip.table.get('a/phone')?.data, DATA);
  leave(scene, 2, 'a/phone');
  scene.run(11);
  assert.deepEqual(everywhere(scene, 'a/phone'), ['left', 'left', 'left', 'left']);
});

test('a device that moves is served where it came to once it is no longer where it was', () => {
  const scene = new Scene(4);
  settle(scene);
  arrive(scene, 1, 'a/phone');
  scene.run(50);
  arrive(scene, 2, 'a/phone');
  scene.run(11);
  assert.deepEqual(scene.heard(1, 5050), ['superseded: a/phone at 2 (2)', 'a/phone at 2 (2)']);
  assert.deepEqual(scene.heard(2, 5050), ['a/phone at 2 (2)']);
  scene.run(10);
  assert.deepEqual(scene.heard(2, 5061), ['settled a/phone (2): confirmed']);
});

test('the ticket names who had it, before the mesh has told', () => {
  const scene = new Scene(4);
  settle(scene);
  arrive(scene, 1, 'a/phone', { epoch: 7 });
  arrive(scene, 2, 'a/phone', { ticket: { epoch: 7, member: 1 } });
  assert.deepEqual(scene.heard(2, 5000), ['a/phone at 2 (8)']);
  scene.run(25);
  assert.deepEqual(scene.heard(2, 5001), ['settled a/phone (8): confirmed']);
  assert.deepEqual(everywhere(scene, 'a/phone'), ['2', '2', '2', '2']);
});

test('the epoch is above that of a ticket, and of what is known, and of the time, whichever is highest', () => {
  const scene = new Scene(4);
  settle(scene);
  assert.equal(arrive(scene, 1, 'a/phone', { epoch: 100 }), 100);
  scene.run(50);
  // The clock of this one is behind.
  assert.equal(arrive(scene, 2, 'a/phone', { epoch: 50 }), 101);
  assert.equal(arrive(scene, 3, 'b/phone', { epoch: 50, ticket: { epoch: 100, member: 1 } }), 101);
  assert.equal(arrive(scene, 3, 'c/phone', { epoch: 500, ticket: { epoch: 100, member: 1 } }), 500);
  assert.equal(arrive(scene, 3, 'd/phone', { epoch: 500, ticket: { epoch: 2 ** 48 - 1, member: 1 } }), 2 ** 48 - 1);
});

test('a ticket of before a move is of no use to its device, and takes nothing from where that is', () => {
  const scene = new Scene(4);
  settle(scene);
  const old = { epoch: arrive(scene, 1, 'a/phone'), member: 1 };
  scene.run(50);
  const now = { epoch: arrive(scene, 2, 'a/phone', { ticket: old }), member: 2 };
  scene.run(50);
  // Who has never been asked is not waited for: worker 1 is cut off, and had it before worker 2.
  scene.network.partition([1], [2, 3, 4]);
  const at = scene.nowMs;
  assert.equal(arrive(scene, 3, 'a/phone', { ticket: old }), now.epoch + 1);
  scene.run(25);
  assert.deepEqual(
    scene.heard(3, at).filter((what) => what.startsWith('settled')),
    ['settled a/phone (3): confirmed'],
  );
  const { arrivals } = scene.mesh(3).gossip;
  assert.equal(arrivals.older, 1);
  arrive(scene, 3, 'a/phone', { ticket: { epoch: now.epoch + 1, member: 3 } });
  arrive(scene, 3, 'a/phone', { ticket: { epoch: now.epoch + 9, member: 4 } });
  arrive(scene, 3, 'b/phone', { ticket: old });
  arrive(scene, 3, 'b/phone');
  assert.deepEqual(arrivals, { none: 1, current: 1, older: 1, newer: 1, unknown: 1 });
});

test('nobody waits for a dead worker, nor longer than the stated time for one that cannot be asked', () => {
  const scene = new Scene(5);
  settle(scene);
  arrive(scene, 1, 'a/phone');
  arrive(scene, 5, 'a/pad');
  scene.run(50);
  scene.network.kill(1);
  scene.run(10);
  arrive(scene, 2, 'a/phone');
  scene.run(400);
  assert.deepEqual(
    scene.heard(2, 5060).filter((what) => what.startsWith('settled')),
    ['settled a/phone (2): dead'],
  );
  scene.network.partition([2], [3, 4, 5]);
  scene.run(1);
  const at = scene.nowMs;
  arrive(scene, 2, 'a/pad');
  scene.run(499);
  assert.deepEqual(
    scene.heard(2, at).filter((what) => what.startsWith('settled')),
    [],
  );
  scene.run(2);
  assert.deepEqual(
    scene.heard(2, at).filter((what) => what.startsWith('settled')),
    ['settled a/pad (2): timeout'],
  );
});

test('of two that have a device at once, the higher epoch keeps it, everywhere', () => {
  const scene = new Scene(4);
  settle(scene);
  arrive(scene, 1, 'a/phone', { epoch: 5 });
  arrive(scene, 3, 'a/phone', { epoch: 4 });
  scene.run(50);
  assert.deepEqual(everywhere(scene, 'a/phone'), ['1', '1', '1', '1']);
  assert.ok(scene.heard(3, 5000).includes('superseded: a/phone at 1 (5)'));
  assert.equal(scene.mesh(1).gossip.isLocal('a/phone'), true);
  assert.equal(scene.mesh(3).gossip.isLocal('a/phone'), false);
});

test('tables of both sides of a cut are the same soon after it heals', () => {
  const scene = new Scene(4);
  settle(scene);
  for (let i = 0; i < 40; i++) arrive(scene, 1 + (i % 4), `a/d${i}`);
  scene.run(100);
  scene.network.partition([1, 2], [3, 4]);
  scene.run(3000);
  for (let i = 0; i < 20; i++) arrive(scene, 1, `a/d${i}`, { epoch: 10 });
  for (let i = 10; i < 30; i++) arrive(scene, 4, `a/d${i}`, { epoch: 20 });
  for (let i = 3; i < 40; i += 4) leave(scene, 4, `a/d${i}`);
  for (let i = 0; i < 100; i++) arrive(scene, 3, `b/d${i}`);
  scene.run(1000);
  scene.network.heal();
  scene.run(4000);
  for (let i = 0; i < 40; i++) {
    const all = everywhere(scene, `a/d${i}`);
    assert.deepEqual(
      all,
      all.map(() => all[0] as string),
      `d${i}`,
    );
  }
  assert.deepEqual(everywhere(scene, 'a/d15'), ['left', 'left', 'left', 'left']);
  assert.deepEqual(everywhere(scene, 'a/d16'), ['4', '4', '4', '4']);
  for (let i = 0; i < 100; i++) assert.deepEqual(everywhere(scene, `b/d${i}`), ['3', '3', '3', '3']);
});

test('a worker that lost its memory learns where devices are, and takes back what it had', () => {
  const scene = new Scene(3);
  settle(scene);
  for (let i = 0; i < 200; i++) arrive(scene, 1 + (i % 3), `a/d${i}`);
  scene.run(100);
  scene.network.kill(2);
  scene.run(2000);
  scene.network.restart(2);
  scene.run(3000);
  for (let i = 0; i < 200; i++) {
    const expected = i % 3 === 1 ? 'left' : `${1 + (i % 3)}`;
    assert.deepEqual(everywhere(scene, `a/d${i}`), [expected, expected, expected], `d${i}`);
  }
});

test('two that cannot reach each other hear of devices through a third', () => {
  const scene = new Scene(3);
  settle(scene);
  scene.network.way(1, 2).cut = true;
  scene.network.way(2, 1).cut = true;
  scene.run(1500);
  arrive(scene, 1, 'a/phone');
  scene.run(60);
  assert.equal(where(scene, 2, 'a/phone'), '1');
  arrive(scene, 2, 'a/phone');
  scene.run(90);
  assert.deepEqual(
    scene.heard(2, 6560).filter((what) => what.startsWith('settled')),
    ['settled a/phone (2): confirmed'],
  );
});

test('who left is forgotten after ten minutes', () => {
  const scene = new Scene(2);
  settle(scene);
  arrive(scene, 1, 'a/phone');
  leave(scene, 1, 'a/phone');
  scene.run(50);
  assert.equal(scene.mesh(2).gossip.table.goneCount, 1);
  const { table } = scene.mesh(2).gossip;
  table.expire(scene.steps.now + 590_000_000);
  assert.equal(table.size, 1);
  table.expire(scene.steps.now + 600_000_000);
  assert.deepEqual([table.size, table.goneCount], [0, 0]);
});

test('a change of what a device carries keeps its epoch, and all hear of it', () => {
  const scene = new Scene(4);
  settle(scene);
  arrive(scene, 2, 'a/phone', { epoch: 7 });
  scene.run(50);
  const at = scene.nowMs;
  change(scene, 2, 'a/phone', Uint8Array.of(9));
  change(scene, 2, 'a/pad', Uint8Array.of(9));
  scene.run(11);
  for (const member of [1, 2, 3, 4]) {
    const { epoch, data } = scene.mesh(member).gossip.table.get('a/phone') ?? assert.fail();
    assert.deepEqual([epoch, data], [7, Uint8Array.of(9)]);
    assert.deepEqual(scene.heard(member, at), ['a/phone at 2 (7)'], 'that is no arrival, nor settles anything');
    assert.equal(scene.mesh(member).gossip.table.get('a/pad'), undefined);
  }
  assert.deepEqual(scene.mesh(2).gossip.arrivals.none, 1);
  leave(scene, 2, 'a/phone');
  scene.run(11);
  assert.deepEqual(everywhere(scene, 'a/phone'), ['left', 'left', 'left', 'left']);
  change(scene, 2, 'a/phone', Uint8Array.of(10));
  scene.run(11);
  assert.deepEqual(everywhere(scene, 'a/phone'), ['left', 'left', 'left', 'left']);
});

test('whoever changes what a device carries does not take it back from where it has moved to, whatever the clocks', () => {
  const scene = new Scene(4);
  settle(scene);
  arrive(scene, 1, 'a/phone', { epoch: 1_000_000 });
  scene.run(50);
  for (let i = 1; i <= 20; i++) change(scene, 1, 'a/phone', Uint8Array.of(i));
  // The clock of this one is behind, and it is not heard of yet where the device was.
  assert.equal(arrive(scene, 2, 'a/phone', { epoch: 5 }), 1_000_001);
  scene.run(5);
  change(scene, 1, 'a/phone', Uint8Array.of(99));
  scene.run(50);
  assert.deepEqual(everywhere(scene, 'a/phone'), ['2', '2', '2', '2']);
  assert.deepEqual([scene.mesh(2).gossip.isLocal('a/phone'), scene.mesh(1).gossip.isLocal('a/phone')], [true, false]);
  const at = scene.nowMs;
  change(scene, 1, 'a/phone', Uint8Array.of(100));
  scene.run(50);
  assert.deepEqual([scene.heard(1, at), scene.heard(2, at)], [[], []]);
});

test('a change while who had the device has not answered goes on waiting for it', () => {
  const scene = new Scene(4);
  settle(scene);
  arrive(scene, 1, 'a/phone');
  scene.run(50);
  const at = scene.nowMs;
  arrive(scene, 2, 'a/phone');
  change(scene, 2, 'a/phone', Uint8Array.of(9));
  scene.run(15);
  assert.deepEqual(
    scene.heard(2, at).filter((what) => what.startsWith('settled')),
    [],
  );
  scene.run(10);
  assert.deepEqual(
    scene.heard(2, at).filter((what) => what.startsWith('settled')),
    ['settled a/phone (2): confirmed'],
  );
  assert.deepEqual(scene.mesh(1).gossip.table.get('a/phone')?.data, Uint8Array.of(9));
});

test('a change that a member missed is found by comparing', () => {
  const scene = new Scene(3);
  settle(scene);
  for (let i = 0; i < 40; i++) arrive(scene, 1, `a/d${i}`);
  scene.run(100);
  scene.network.partition([1], [2, 3]);
  scene.run(4000);
  for (let i = 0; i < 40; i += 2) change(scene, 1, `a/d${i}`, Uint8Array.of(i));
  scene.run(1000);
  assert.deepEqual(scene.mesh(3).gossip.table.get('a/d38')?.data, DATA);
  scene.network.heal();
  scene.run(4000);
  for (const member of [2, 3])
    for (let i = 0; i < 40; i++) {
      const expected = i % 2 === 0 ? Uint8Array.of(i) : DATA;
      assert.deepEqual(scene.mesh(member).gossip.table.get(`a/d${i}`)?.data, expected, `${i} at ${member}`);
    }
});
