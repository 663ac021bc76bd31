import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkerAnycastStatus } from '#pop-worker/anycast/worker-anycast.ts';
import type { MeshPeerStatus } from '#pop-worker/mesh/messages.ts';
import type { BfdPathStatus } from '#pop-worker/routing/bfd/service.ts';
import { type WorkerAnswer, workerRows } from './rows.ts';

const NOW_MS = Date.parse('2026-11-28T12:00:00Z');
const ANSWER: WorkerAnswer = {
  pop: 'moscow',
  worker: 'w1',
  version: '1.2.3',
  state: 'draining',
  orders: { controlPlane: 'drain', local: 'withdraw' },
  healthy: true,
  upSeconds: 90,
  sessions: 3,
  connections: 4,
  tenants: 2,
};

const textOf = (answer: WorkerAnswer): Record<string, string> => Object.fromEntries(workerRows(answer, NOW_MS));

test('a worker without control plane, and who ordered what', () => {
  const text = textOf(ANSWER);
  assert.equal(text['orders'], 'drain by the control plane, withdraw at its machine');
  assert.equal(text['up for'], '90 s');
  assert.match(text['control plane'] ?? '', /^none/);
  assert.equal(textOf({ ...ANSWER, orders: { controlPlane: 'serve', local: 'serve' } })['orders'], 'none');
});

test('what it answers by DNS, and whom names do not lead to', () => {
  const well = { id: 'moscow', isWell: true };
  const text = textOf({ ...ANSWER, dns: { zones: ['edge.example'], pops: [well, { id: 'oslo', isWell: false }] } });
  assert.deepEqual([text['DNS zones'], text['names do not lead to']], ['edge.example', 'oslo']);
  const none = textOf({ ...ANSWER, dns: { zones: [], pops: [well] } });
  assert.deepEqual([none['DNS zones'], none['names do not lead to']], ['none', 'nobody: all are well']);
});

test('its mesh, worker by worker', () => {
  const peer: MeshPeerStatus = {
    ...{ member: 2, name: 'fra.mesh', isLinked: true, isHeard: true, isDead: false, rttMs: 12.34, loss: 0.015 },
    ...{ via: 0, costMs: 12.4, problem: undefined },
  };
  const peers: MeshPeerStatus[] = [
    peer,
    { ...peer, member: 3, name: 'ams.mesh', isDead: true },
    { ...peer, member: 4, name: 'msk.mesh', via: 2, costMs: 20.04 },
    { ...peer, member: 5, name: 'waw.mesh', isLinked: false, via: -1, costMs: undefined, problem: 'it did not answer' },
    { ...peer, member: 6, name: 'led.mesh', rttMs: undefined, loss: 0 },
  ];
  const text = textOf({ ...ANSWER, mesh: { member: 1, holdsLease: true, devices: 7, ownDevices: 3, peers } });
  assert.equal(text['mesh'], '4 of 5 links; a majority hears this worker');
  assert.equal(text['devices known'], '7, 3 of them here');
  assert.equal(text['mesh fra.mesh'], '12.3 ms, 1.5 % lost');
  assert.equal(text['mesh ams.mesh'], 'dead, as a majority says');
  assert.equal(text['mesh msk.mesh'], '12.3 ms, 1.5 % lost; through fra.mesh, 20.0 ms');
  assert.equal(text['mesh waw.mesh'], 'no link: it did not answer; not to be reached');
  assert.equal(text['mesh led.mesh'], 'not measured yet, 0.0 % lost');
  assert.equal('mesh' in textOf(ANSWER), false);
});

test('what it knows of its control plane, at its best and at its worst', () => {
  const best = textOf({
    ...ANSWER,
    control: {
      revision: '12',
      fromDisk: false,
      connected: true,
      since: '2026-11-28T11:00:00Z',
      lastContactTime: '2026-11-28T11:59:57Z',
      membershipTime: '2026-11-28T11:59:57Z',
      revisionExpireTime: '2026-12-05T12:00:00Z',
      futureField: true,
    },
  });
  assert.equal(best['control plane'], 'connected for 60 min');
  assert.equal(best['last contact'], '3 s ago');
  assert.equal(best['membership'], 'as of 3 s ago');
  assert.equal(best['revision'], '12, runs out in 7 d');
  assert.deepEqual([best['refused revisions'], best['last error']], ['0', 'none']);
  assert.equal('newest refused' in best, false);
  const worst = textOf({
    ...ANSWER,
    control: {
      revision: '12',
      fromDisk: true,
      connected: false,
      since: '2026-11-28T11:58:00Z',
      revisionExpireTime: '2026-11-26T12:00:00Z',
      refusedRevisions: { signature: 2, older: 1 },
      refusedRevision: 'the signature of the revision is wrong',
      lastError: 'connection refused',
      lastErrorTime: '2026-11-28T11:59:00Z',
    },
  });
  assert.equal(worst['control plane'], 'not connected for 2 min');
  assert.deepEqual([worst['last contact'], worst['membership']], ['never', 'not known yet']);
  assert.equal(worst['revision'], '12 from disk, ran out 2 d ago');
  assert.equal(worst['refused revisions'], '2 signature, 1 older');
  assert.equal(worst['newest refused'], 'the signature of the revision is wrong');
  assert.equal(worst['last error'], 'connection refused (60 s ago)');
  assert.equal(textOf({ ...ANSWER, control: { revision: '0', fromDisk: false } })['revision'], 'none yet');
  const fallbacks = { membership: 'previous', revision: 'nothing' };
  assert.equal(
    textOf({ ...ANSWER, control: { revision: '0', fromDisk: false, fallbacks } })['state files'],
    'membership was damaged: began with the one before, revision was damaged: began with nothing',
  );
  const orders = { controlPlane: 'drain', local: 'undrain' };
  assert.equal(textOf({ ...ANSWER, orders })['orders'], "undrained at this machine against the control plane's drain");
});

test('its BFD, path by path', () => {
  const path: BfdPathStatus = {
    ...{ local: '192.0.2.2', remote: '192.0.2.1', sinceSeconds: 180, failures: 2 },
    state: 'up',
    ...{ diagnostic: 'no diagnostic', remoteDiagnostic: 'path down', transmitMs: 50, detectionMs: 150 },
  };
  const down: BfdPathStatus = { ...path, remote: '192.0.2.3', state: 'admin_down' };
  const unopened: BfdPathStatus = {
    ...path,
    remote: '192.0.2.4',
    state: 'unopened',
    problem: 'eth0: there is no such interface.',
  };
  const bfd = { realtime: true, late: 0, paths: [path, down, unopened] };
  const neighbor = {
    ...{ name: 'transit', address: '198.51.100.1', localAs: 64_512, remoteAs: 64_500, enabled: true, sessions: 1 },
    ...{ received: {}, sent: {}, routes: {}, state: 'established' as const },
  };
  const watched = (state: string) => ({ ...neighbor, bfd: { state, detectionMs: 150 } });
  const anycast: WorkerAnycastStatus = {
    ...{ state: 'announced', announcement: { isAnnounced: true, preference: 10, isLeaving: false }, held: 0 },
    ...{ checks: [], prefixes: [], refused: [], failedUplinks: [], late: { threads: 0, forwarding: 0 } },
    neighbors: [neighbor, watched('up'), watched('up'), watched('unopened')],
  };
  const both = textOf({ ...ANSWER, bfd, anycast });
  assert.equal(both['BFD'], '3 of 6 paths up', 'those to BGP neighbours too');
  const text = textOf({ ...ANSWER, bfd });
  assert.equal(text['BFD'], '1 of 3 paths up');
  assert.equal(text['BFD 192.0.2.1'], 'up for 3 min, silence noticed in 150 ms, 2 failures');
  assert.equal(text['BFD 192.0.2.3'], 'admin down for 3 min, no diagnostic, neighbour: path down, 2 failures');
  assert.equal(text['BFD 192.0.2.4'], 'eth0: there is no such interface.');
  assert.equal(textOf({ ...ANSWER, bfd: { ...bfd, heldBy: 'data' } })['BFD'], 'all held down: a data thread is stuck');
  assert.match(textOf({ ...ANSWER, bfd: { ...bfd, late: 2 } })['BFD'] ?? '', /, threads late 2 times$/);
  assert.match(textOf({ ...ANSWER, bfd: { ...bfd, realtime: false } })['BFD'] ?? '', /without real-time priority/);
  assert.equal('BFD' in textOf(ANSWER), false);
});
