import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WorkerAnycastStatus } from '#pop-worker/anycast/worker-anycast.ts';
import { anycastRows } from './anycast-rows.ts';

const NEIGHBOR = {
  ...{ name: 'transit', address: '198.51.100.1', localAs: 64_512, remoteAs: 64_500, enabled: true, sessions: 1 },
  ...{ received: {}, sent: {}, routes: {} },
} as const;
const STATUS: WorkerAnycastStatus = {
  state: 'announced',
  announcement: { isAnnounced: true, preference: 10, isLeaving: false },
  held: 0,
  checks: [{ name: 'threads', state: 'holds', reason: '' }],
  prefixes: ['192.0.2.0/24', '2001:db8:a::/48'],
  neighbors: [{ ...NEIGHBOR, state: 'established', upSeconds: 180 }],
  refused: [],
  failedUplinks: [],
  late: { threads: 0, forwarding: 0 },
};

test('a worker that is announced', () => {
  assert.deepEqual(anycastRows(STATUS), [
    ['anycast', 'announced, preference 10 of 10'],
    ['prefixes', '192.0.2.0/24, 2001:db8:a::/48'],
    ['BGP transit', 'established for 3 min'],
  ]);
});

test('the path to a neighbour that wants BFD', () => {
  const textOf = (bfd: WorkerAnycastStatus['neighbors'][number]['bfd']): string | undefined =>
    anycastRows({ ...STATUS, neighbors: [{ ...NEIGHBOR, state: 'active', bfd }] }).at(-1)?.[1];
  assert.equal(textOf({ state: 'up', detectionMs: 150 }), 'active, BFD up, silence noticed in 150 ms');
  assert.equal(textOf({ state: 'admin_down', detectionMs: 150 }), 'active, BFD admin down');
  assert.equal(textOf({ state: 'unopened', detectionMs: 0 }), 'active, BFD not begun');
  assert.equal(textOf(undefined), 'active');
});

test('one that is not, with what failed and what became of its drain', () => {
  const drain = { sessions: 7, left: 2, seconds: 60, ended: 'deadline' };
  const rows = anycastRows({
    ...STATUS,
    ...{ state: 'failed', drain, prefixes: [] },
    announcement: { isAnnounced: false, preference: 0, isLeaving: false },
    checks: [
      { name: 'threads', state: 'failed', reason: 'a data-plane thread is stuck' },
      { name: 'uplinks', state: 'unknown', reason: '' },
    ],
    failedUplinks: ['eth1'],
    late: { threads: 3, forwarding: 5 },
    neighbors: [{ ...NEIGHBOR, state: 'idle', heldBackSeconds: 30, lastError: 'received Cease' }],
    mrt: { directory: '/var/mrt', dropped: 0, lastError: 'its folder is not there' },
    refused: [{ name: 'other', address: '198.51.100.2', reason: '[bgp] passwords has no "other"' }],
  });
  assert.deepEqual(rows, [
    ['anycast', 'withdrawn: a check has failed'],
    ['prefixes', 'none'],
    ['check threads', 'a data-plane thread is stuck'],
    ['check uplinks', 'not known yet'],
    ['too busy', 'its threads waited for a core: 3 times for too long, 5 answers were late'],
    ['drain', '5 of 7 sessions have gone, ended after 60 s (deadline)'],
    ['BGP transit', 'idle, held back for 30 s, last: received Cease'],
    ['MRT', '/var/mrt, last: its folder is not there'],
    ['uplink eth1', 'leads nowhere'],
    ['BGP other', 'refused: [bgp] passwords has no "other"'],
  ]);
});

test('one that drains and was withdrawn already', () => {
  const announcement = { isAnnounced: false, preference: 0, isLeaving: false };
  const [anycast] = anycastRows({ ...STATUS, state: 'draining', announcement });
  assert.deepEqual(anycast, ['anycast', 'withdrawn: it drains']);
});
