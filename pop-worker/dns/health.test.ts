import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FleetView, type FleetWorker, NO_FLEET } from '#control/fleet.ts';
import { meshName } from '#model/mesh.ts';
import { type MeshMember, popOfMember, roundTrips, unwellPops } from './health.ts';

const POPS = ['moscow', 'frankfurt', 'tokyo'];
const OWN = { pop: 'moscow', worker: 'w1', serves: true };

const said = (pop: string, more: Partial<FleetWorker> = {}): FleetWorker => ({
  ...{ pop, worker: 'w1', serves: true, silentMs: 0 },
  ...more,
});
const fleetOf = (...workers: FleetWorker[]): FleetView => ({ isCurrent: true, workers });
const member = (name: string, more: Partial<MeshMember> = {}): MeshMember => ({
  ...{ name, isDead: false, isHeard: true, rttMs: 10 },
  ...more,
});

const unwell = (fleet: FleetView, members: readonly MeshMember[] = [], own = OWN): string[] =>
  unwellPops({ pops: POPS, own, fleet, members });

test('a PoP is well while a worker of it serves, as far as NATS knows', () => {
  const all = POPS.map((pop) => said(pop));
  assert.deepEqual(unwell(fleetOf(...all)), []);
  assert.deepEqual(unwell(fleetOf(said('moscow'), said('frankfurt', { serves: false }), said('tokyo'))), ['frankfurt']);
  assert.deepEqual(unwell(fleetOf(said('moscow'), said('frankfurt', { silentMs: 15_001 }), said('tokyo'))), [
    'frankfurt',
  ]);
  assert.deepEqual(unwell(fleetOf(said('moscow'), said('frankfurt', { silentMs: 15_000 }), said('tokyo'))), []);
  const second = said('frankfurt', { worker: 'w2' });
  assert.deepEqual(unwell(fleetOf(said('frankfurt', { serves: false }), second, said('tokyo'))), []);
  assert.deepEqual(unwell(fleetOf(said('frankfurt'))), ['tokyo'], 'nobody of it has ever said anything');
});

test('without NATS what was said last holds, and who was never heard of is taken for well', () => {
  assert.deepEqual(unwell(NO_FLEET), []);
  const last = [said('frankfurt', { silentMs: 1e9 }), said('tokyo', { serves: false })];
  assert.deepEqual(unwell({ isCurrent: false, workers: last }), ['tokyo']);
});

test('its own PoP: as it is itself, and else as the other workers there', () => {
  const own = { ...OWN, serves: false };
  const others = [said('frankfurt'), said('tokyo')];
  // What it said of itself a moment ago is no news to it.
  assert.deepEqual(unwell(fleetOf(said('moscow'), ...others), [], own), ['moscow']);
  assert.deepEqual(unwell(fleetOf(said('moscow', { worker: 'w2' }), ...others), [], own), []);
  assert.deepEqual(unwell(fleetOf(said('moscow', { serves: false }), ...others)), []);
});

test('the mesh knows sooner: whom a majority takes for dead is not led to, whom it hears is not taken for silent', () => {
  const all = fleetOf(...POPS.map((pop) => said(pop)));
  assert.deepEqual(unwell(all, [member('frankfurt.mesh.internal', { isDead: true }), member('w1.tokyo.mesh')]), [
    'frankfurt',
  ]);
  const two = [member('w1.frankfurt.mesh', { isDead: true }), member('w2.frankfurt.mesh')];
  assert.deepEqual(unwell(all, two), []);
  const silent = fleetOf(said('frankfurt', { silentMs: 60_000 }), said('tokyo'));
  assert.deepEqual(unwell(silent, [member('frankfurt.mesh')]), []);
  assert.deepEqual(unwell(silent, [member('frankfurt.mesh', { isHeard: false })]), ['frankfurt']);
  // A fault of the mesh alone takes nobody away.
  assert.deepEqual(unwell(all, [member('frankfurt.mesh', { isHeard: false, rttMs: undefined })]), []);
  const draining = fleetOf(said('frankfurt', { serves: false }), said('tokyo'));
  assert.deepEqual(
    unwell(draining, [member('frankfurt.mesh')]),
    ['frankfurt'],
    'it says itself that it does not serve',
  );
});

test('a worker that is called like another PoP is not taken for that one', () => {
  const pops = ['frankfurt', 'moscow'];
  const popOf = (name: string) => popOfMember(name, pops);
  assert.equal(popOf(meshName('moscow', 'frankfurt')), 'moscow');
  assert.equal(popOf(meshName('frankfurt', 'moscow')), 'frankfurt');
  assert.equal(popOf(meshName('moscow', 'moscow')), 'moscow');
  assert.equal(popOf(meshName('tokyo', 'moscow')), undefined, 'that PoP is none of these');
  // A worker's own file may call them as it likes.
  assert.equal(popOf('frankfurt.moscow.example'), undefined, 'the one or the other');
  assert.deepEqual(
    ['w1.moscow.example', 'moscow.example', 'moscow.mesh', 'moscow'].map(popOf),
    Array(4).fill('moscow'),
  );
  const fleet = fleetOf(...['moscow', 'frankfurt'].map((pop) => said(pop)));
  const dead = [member(meshName('moscow', 'frankfurt'), { isDead: true }), member(meshName('frankfurt', 'w1'))];
  const own = { pop: 'tokyo', worker: 'w1', serves: true };
  assert.deepEqual(unwellPops({ pops, own, fleet, members: dead }), ['moscow']);
});

test('names of members say their PoP; the shortest round trip to it counts', () => {
  const names = ['tokyo', 'w1.tokyo.example', 'a.b.tokyo', 'tokyo-2.example'].map((name) => popOfMember(name, POPS));
  assert.deepEqual(names, ['tokyo', 'tokyo', undefined, undefined]);
  const members = [
    member('w1.tokyo.x', { rttMs: 30 }),
    member('w2.tokyo.x', { rttMs: 20 }),
    member('frankfurt', { rttMs: undefined }),
    member('elsewhere', { rttMs: 1 }),
  ];
  assert.deepEqual([...roundTrips(members, POPS)], [['tokyo', 20]]);
});
