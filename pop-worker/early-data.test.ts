import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Resumable } from './testing/device.ts';
import { firstFlight, sendAgain } from './testing/first-flight.ts';
import { answered, connected, MeshWorlds } from './testing/mesh-worlds.ts';
import { deviceOf, EDGE4, INTERNET4, needsNamespaces, type TestDevice, type World } from './testing/world.ts';

const PHONE = deviceOf('red', 2);
const REJECTED = { type: 'handshake', resumed: true, earlyData: 'rejected' } as const;
const early = (outcome: string): string => `cloudbridge_quic_early_data_handshakes_total{outcome="${outcome}"}`;
const arrivals = (ticket: string): string => `cloudbridge_mesh_arrivals_total{ticket="${ticket}"}`;

/** The ticket that says where the device is: the second one. */
const ticketOf = async (world: World, { reports }: TestDevice): Promise<Resumable> => {
  const found = () => reports.all.find((report) => report.type === 'ticket' && report.count === 2);
  await world.until('the device has its second ticket', () => found() !== undefined);
  const report = found();
  assert.ok(report?.type === 'ticket');
  return report.resumable;
};

test('early data of before a move, or a copy of it, takes no device from where it is', {
  skip: needsNamespaces,
}, async (t) => {
  const mesh = new MeshWorlds(t, 2);
  await mesh.start();
  for (const member of mesh.members) {
    await mesh
      .world(member)
      .until('there is a link', async () => (await mesh.status(member)).peers.every(({ isLinked }) => isLinked));
  }
  const [a, b] = [mesh.world(1), mesh.world(2)];
  const counts = (world: World, series: string, n: number) =>
    world.until(`${series} is ${n}`, async () => (await world.metric(series)) === n);
  const isAt = async (member: number): Promise<void> => {
    for (const [of, own] of [[member, 1] as const, [3 - member, 0] as const])
      await mesh.world(of).until(`the device is at ${member}`, async () => (await mesh.status(of)).ownDevices === own);
  };
  const first = await connected(a, PHONE);
  await isAt(1);
  const ofFirst = await ticketOf(a, first);
  await b.until('the other worker knows', async () => (await mesh.status(2)).devices === 1);

  // A copy is as good as the device's own, until the handshake is to be confirmed.
  const stranger = b.clientNamespace();
  await sendAgain(b, stranger, firstFlight({ ...(await b.whom(PHONE)), resume: ofFirst }));
  const beginning = 'cloudbridge_quic_connections_count{state="handshake"}';
  await b.until('a handshake begins', async () => (await b.metric(beginning)) === 1);
  await isAt(1);
  const requests = 'cloudbridge_http3_requests_total{kind="ip"}';
  assert.equal(await b.metric(requests), 0);
  assert.ok((await answered(a, first, INTERNET4)) > 0);

  // The device itself comes: its ticket brought early data once, and its handshake is confirmed.
  const second = await b.connect(PHONE, EDGE4, [], undefined, ofFirst);
  assert.deepEqual(await second.reports.of('handshake'), REJECTED);
  await second.reports.of('up');
  await isAt(2);
  await first.reports.of('tunnel-closed');
  await counts(b, early('replayed'), 1);
  await counts(b, arrivals('current'), 1);
  await b.until('the copy is given up', async () => (await b.metric(beginning)) === 0, 40_000);
  assert.equal(await b.metric(requests), 1);

  // What was copied before the move is of no use any more where the ticket has not been used.
  await sendAgain(a, a.clientNamespace(), firstFlight({ ...(await a.whom(PHONE)), resume: ofFirst }));
  await counts(a, early('older_epoch'), 1);
  await isAt(2);
  assert.ok((await answered(b, second, INTERNET4)) > 0);

  // Who holds the ticket may come by it, but not by early data.
  const third = await a.connect(PHONE, EDGE4, [], undefined, ofFirst);
  assert.deepEqual(await third.reports.of('handshake'), REJECTED);
  await third.reports.of('up');
  await isAt(1);
  await second.reports.of('tunnel-closed');
  await counts(a, arrivals('older'), 1);
  await counts(a, early('older_epoch'), 2);

  const fourth = await b.connect(PHONE, EDGE4, [], undefined, await ticketOf(a, third));
  assert.deepEqual(await fourth.reports.of('handshake'), { ...REJECTED, earlyData: 'accepted' });
  await fourth.reports.of('up');
  await isAt(2);
  await counts(b, early('taken'), 1);
  await counts(b, arrivals('current'), 2);
  assert.ok((await answered(b, fourth, INTERNET4)) > 0);
});
