import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { PrefixTable } from '#protocol/ip/prefix-table.ts';
import { address, packet } from '#protocol/ip/testing/packets.ts';
import { parsePrefix } from '#protocol/ip/text.ts';
import { Carriers } from './carriers.ts';
import { Forwarder } from './forwarder.ts';
import { HeldPackets, MOST_HELD, MOST_HELD_BYTES } from './held-packets.ts';
import type { RemoteSession } from './remote-sessions.ts';
import { HEADROOM, Session } from './session.ts';
import { settleSoon } from './settle-soon.ts';
import { TenantTable } from './tenant-table.ts';

const prefix = (text: string) => {
  const parsed = parsePrefix(text);
  assert.ok(parsed, text);
  return parsed;
};

/** A worker with one thread, one device, and a mesh. */
const world = () => {
  const tenants = new TenantTable(new Carriers(prefix('100.64.0.0/24')));
  const outside: Uint8Array[] = [];
  const elsewhere: { serial: number; bytes: Uint8Array }[] = [];
  const forwarder = new Forwarder({
    tenants,
    egress: {
      add: (buffer, view) => {
        outside.push(buffer.slice(view.start, view.end));
        return true;
      },
    },
    threads: {
      toSession: ({ serial }, buffer, start, end) => {
        elsewhere.push({ serial, bytes: buffer.slice(start, end) });
        return true;
      },
      toThread: () => true,
    },
    dataThreads: 1,
    refused: { refused4: new PrefixTable(4), refused6: new PrefixTable(16) },
    router4: address('192.0.2.1'),
    router6: address('2001:db8:a::1'),
  });
  tenants.defineTenant('red', [prefix('10.64.0.0/10')]);
  const got: { bytes: Uint8Array; room: number }[] = [];
  const link = {
    mtu: () => 1400,
    send: (buffer: Uint8Array, start: number, end: number) =>
      got.push({ bytes: buffer.slice(start, end), room: start }) > 0,
  };
  const sources = [prefix('10.64.0.2/32')];
  const session = new Session({ tenant: 'red', device: 'red2', sources, egress: true }, link);
  tenants.attach(session);
  /** From another worker, for that session. */
  const arrive = (mark: number, serial = session.serial): void => {
    const bytes = packet({ source: '10.64.0.3', destination: '10.64.0.2', payload: Uint8Array.of(mark) });
    const buffer = new Uint8Array(HEADROOM + bytes.length);
    buffer.set(bytes, HEADROOM);
    forwarder.fromThread(session.id, serial, buffer, HEADROOM, buffer.length);
  };
  const send = (destination: string): void => {
    const bytes = packet({ source: '10.64.0.2', destination });
    const buffer = new Uint8Array(HEADROOM + bytes.length);
    buffer.set(bytes, HEADROOM);
    forwarder.fromSession(session, buffer, HEADROOM, buffer.length);
  };
  const remote: RemoteSession = { thread: 1, id: 5, serial: 77, tenant: 'red', device: 'red2', sources };
  return { tenants, forwarder, session, got, elsewhere, outside, arrive, send, remote };
};

const marks = (packets: readonly Uint8Array[]): (number | undefined)[] => packets.map((bytes) => bytes.at(-1));

test('what comes for a device before it may be sent anything waits, and comes first, in its order', () => {
  const { session, got, arrive, forwarder } = world();
  session.isSettled = false;
  for (const mark of [1, 2, 3]) arrive(mark);
  assert.equal(got.length, 0);
  assert.equal(forwarder.counters.held, 3);
  assert.equal(session.counters.packetsDown, 0);
  forwarder.settle(session);
  arrive(4);
  assert.deepEqual(marks(got.map(({ bytes }) => bytes)), [1, 2, 3, 4]);
  assert.ok(
    got.every(({ room }) => room >= HEADROOM),
    'a link writes its header in front of a packet',
  );
  assert.equal(session.counters.packetsDown, 4);
  assert.equal(forwarder.counters.drops.of('unsettled'), 0);
});

test('what a new device sends to other workers waits until they can know where it is; to the outside nothing does', () => {
  const { session, elsewhere, outside, send, tenants, remote, forwarder } = world();
  const site = { ...remote, id: 6, serial: 78, device: 'red4', sources: [prefix('10.64.9.0/24')] };
  tenants.attachRemote({ ...remote, device: 'red3', sources: [prefix('10.64.0.3/32')] });
  tenants.attachRemote(site);
  session.isTold = false;
  for (const host of ['10.64.0.3', '203.0.113.10', '10.64.9.1', '10.64.0.3']) send(host);
  assert.deepEqual([elsewhere.length, outside.length, forwarder.counters.held], [0, 1, 3]);
  // One of them has moved meanwhile.
  tenants.detachRemote(site);
  tenants.attachRemote({ ...site, id: 7, serial: 79 });
  forwarder.settle(session);
  send('10.64.0.3');
  assert.deepEqual(
    elsewhere.map(({ serial }) => serial),
    [77, 79, 77, 77],
  );
  assert.equal(forwarder.counters.drops.of('unsettled'), 0);
});

test('of what a new device sends to other workers, more than may wait is dropped; what waits is given back when it ends', () => {
  const { session, elsewhere, send, tenants, remote, forwarder } = world();
  tenants.attachRemote({ ...remote, device: 'red3', sources: [prefix('10.64.0.3/32')] });
  session.isTold = false;
  for (let i = 0; i < MOST_HELD + 3; i++) send('10.64.0.3');
  assert.equal(forwarder.counters.drops.of('unsettled'), 3);
  tenants.detach(session);
  forwarder.told(session);
  assert.equal(elsewhere.length, 0);
});

test('whoever is to say so may fail: what waits goes on by itself soon', async () => {
  const { session, elsewhere, send, tenants, remote, forwarder } = world();
  tenants.attachRemote({ ...remote, device: 'red3', sources: [prefix('10.64.0.3/32')] });
  settleSoon(session, forwarder);
  send('10.64.0.3');
  assert.deepEqual([session.isSettled, session.isTold, elsewhere.length], [false, false, 0]);
  for (let i = 0; i < 100 && elsewhere.length === 0; i++) await wait(10);
  assert.deepEqual([session.isTold, elsewhere.length], [true, 1]);
});

test('more than may wait is dropped, and counted', () => {
  const { session, got, arrive, forwarder } = world();
  session.isSettled = false;
  for (let i = 0; i < MOST_HELD + 3; i++) arrive(i);
  assert.equal(forwarder.counters.drops.of('unsettled'), 3);
  forwarder.settle(session);
  assert.deepEqual(marks(got.map(({ bytes }) => bytes)), [...Array(MOST_HELD).keys()]);
});

test('a session that ends gives back what it might have waited with', () => {
  const { session, arrive, tenants } = world();
  session.isSettled = false;
  arrive(1);
  const { held } = session;
  assert.ok(held);
  tenants.detach(session);
  const after: Uint8Array[] = [];
  held.release((one) => after.push(one));
  assert.equal(after.length, 0);
});

test('bytes of one session, and of all together, are bounded', () => {
  const budget = { left: MOST_HELD_BYTES + 1000 };
  const [one, two] = [new HeldPackets(budget), new HeldPackets(budget)];
  const packetOf = (bytes: number) => new Uint8Array(bytes);
  assert.equal(one.add(packetOf(MOST_HELD_BYTES), 0, MOST_HELD_BYTES), true);
  assert.equal(one.add(packetOf(1), 0, 1), false);
  assert.equal(two.add(packetOf(1000), 0, 1000), true);
  assert.equal(two.add(packetOf(1), 0, 1), false);
  assert.equal(budget.left, 0);
  one.release();
  assert.equal(two.add(packetOf(1), 0, 1), true);
  two.release();
  assert.equal(budget.left, MOST_HELD_BYTES + 1000);
});

test('what is for a device that has moved goes after it; what it still sends here is taken', () => {
  const { session, got, elsewhere, outside, arrive, send, tenants, remote, forwarder } = world();
  session.isSettled = false;
  session.hasMoved = true;
  tenants.attachRemote(remote);
  arrive(9);
  assert.equal(got.length, 0);
  assert.deepEqual(
    elsewhere.map(({ serial, bytes }) => [serial, bytes.at(-1)]),
    [[77, 9]],
  );
  assert.equal(forwarder.counters.followed, 1);
  send('203.0.113.10');
  assert.equal(outside.length, 1);
  arrive(9, session.serial + 1);
  assert.equal(elsewhere.length, 1, 'of a session that is none of ours nobody knows anything');
});

test('a device that has moved is sent nothing here any more, whatever comes', () => {
  const { session, got, elsewhere, arrive, forwarder } = world();
  session.isSettled = false;
  session.hasMoved = true;
  arrive(1);
  forwarder.settle(session);
  assert.equal(got.length + elsewhere.length, 0);
  assert.equal(forwarder.counters.drops.of('no_route'), 1);
});

test('a device that comes again, here or at another thread, has one session: its newest', () => {
  const { tenants, session, remote } = world();
  const replaced: number[] = [];
  tenants.onReplaced = (former) => {
    former.hasMoved = true;
    replaced.push(former.serial);
  };
  const again = () => {
    const next = new Session({ ...session }, session.link);
    tenants.attach(next);
    return next;
  };
  const second = again();
  assert.deepEqual(replaced, [session.serial]);
  tenants.attachRemote(remote);
  assert.deepEqual(replaced, [session.serial], 'the other thread will hear of the second one yet');
  tenants.reattach(second);
  tenants.attachRemote(remote);
  assert.deepEqual(replaced, [session.serial], 'told once more, it is no newer');
  tenants.attachRemote({ ...remote, serial: 78, epoch: 5 });
  assert.deepEqual(replaced, [session.serial], 'of other workers the mesh says who is newer');
  tenants.attachRemote({ ...remote, serial: 79 });
  assert.deepEqual(replaced, [session.serial, second.serial]);
  const third = again();
  tenants.detach(second);
  tenants.reattach(third);
  tenants.attachRemote({ ...remote, serial: 80 });
  assert.deepEqual(replaced, [session.serial, second.serial, third.serial]);
});
