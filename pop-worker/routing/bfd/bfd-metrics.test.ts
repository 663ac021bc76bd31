import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemHash } from '#host/hash/hash.ts';
import { systemRandom } from '#host/random/random.ts';
import { addressOf } from '#host/udp/address.ts';
import { Bfd } from '#protocol/bfd/bfd.ts';
import { DROP_REASONS } from '#protocol/bfd/drop.ts';
import { BfdErrorCode } from '#protocol/bfd/errors.ts';
import { Diagnostic, State } from '#protocol/bfd/state.ts';
import { allocateSlots, LAYOUT } from '#telemetry/slots.ts';
import { BfdMetrics } from './bfd-metrics.ts';

const SILENT = { thread: 'data', beat: new SharedArrayBuffer(8), limitMs: 1, lateMs: 1 } as const;
const { adminDown, down, init, up } = State;
const SERIES = LAYOUT.series.filter(({ spec }) => spec.name.startsWith('cloudbridge_bfd_'));

/** What moved, by name and labels. */
const moved = (slots: Float64Array): Record<string, number> =>
  Object.fromEntries(
    SERIES.filter(({ at }) => slots[at] !== 0).map(({ spec, labels, at }) => [
      [spec.name.slice('cloudbridge_bfd_'.length), ...Object.values(labels)].join(' '),
      slots[at] as number,
    ]),
  );

const empty = (): Bfd => new Bfd({ random: systemRandom, hash: systemHash, onChange: () => {} });

test('each series of BFD moves for what it is of', () => {
  const slots = allocateSlots();
  const metrics = new BfdMetrics(slots, true);
  const seen = new Set<string>();
  const shows = (act: () => void, expected: Record<string, number>): void => {
    const before = moved(slots);
    act();
    const after = moved(slots);
    for (const [name, value] of Object.entries(before)) if (after[name] === value) delete after[name];
    assert.deepEqual(after, expected);
    for (const name of Object.keys(expected)) seen.add(name);
  };
  assert.deepEqual(moved(slots), { realtime_count: 1 });
  seen.add('realtime_count');
  shows(() => metrics.received(3), { 'packets_total received': 3 });
  shows(() => metrics.sent(true), { 'packets_total sent': 1 });
  shows(() => metrics.sent(false), { unsent_packets_total: 1 });
  shows(() => metrics.droppedByKernel(4), { 'dropped_packets_total kernel': 4 });
  shows(() => metrics.changed(down, init, down, Diagnostic.none), { 'transitions_total init': 1 });
  shows(() => metrics.changed(init, up, up, Diagnostic.none), { 'transitions_total up': 1 });
  const fails = (to: State, remote: State, diagnostic: Diagnostic, reason: string, downs: number): void =>
    shows(() => metrics.changed(up, to, remote, diagnostic), {
      [to === down ? 'transitions_total down' : 'transitions_total admin_down']: downs,
      [`failures_total ${reason}`]: 1,
    });
  fails(down, down, Diagnostic.detectionTimeExpired, 'silence', 1);
  fails(down, down, Diagnostic.neighbourSignalledDown, 'neighbour', 2);
  fails(down, up, Diagnostic.forwardingPlaneReset, 'forwarding', 3);
  fails(adminDown, up, Diagnostic.administrativelyDown, 'administrative', 1);
  shows(() => metrics.changed(up, down, adminDown, Diagnostic.neighbourSignalledDown), {
    'transitions_total down': 4,
    'failures_total administrative': 2,
  });
  const reasons = ['invalid', 'too_many_sessions', 'too_many_packets', 'duplicate'];
  for (const [i, code] of Object.values(BfdErrorCode).entries()) {
    shows(() => metrics.refused(code), { [`refused_sessions_total ${reasons[i]}`]: 1 });
  }
  for (const thread of ['main', 'data', 'bgp'] as const) {
    shows(() => metrics.missed(thread), { [`missed_beats_total ${thread}`]: 1 });
  }
  shows(() => metrics.lent(7), { priority_loans_total: 7 });
  const bfd = empty();
  bfd.dropped.forEach((_, i) => {
    bfd.dropped[i] = i * 10;
  });
  shows(
    () => metrics.collect(bfd, 5, { missing: SILENT, late: { main: 2, data: 3, bgp: 4 } }),
    Object.fromEntries([
      ...DROP_REASONS.map((reason, i) => [`dropped_packets_total ${reason}`, (i + 1) * 10]),
      ['unopened_sessions_count', 5],
      ['held_count', 1],
      ['late_beats_total main', 2],
      ['late_beats_total data', 3],
      ['late_beats_total bgp', 4],
    ]),
  );
  const timing = {
    desiredMinTxUs: 1e6,
    requiredMinRxUs: 1e6,
    detectMult: 3,
    multiHop: false,
    remote: addressOf('192.0.2.1'),
  };
  const sessions = [0, 1, 2].map((binding) => bfd.open({ ...timing, binding }, 0));
  sessions[0]?.disable(Diagnostic.administrativelyDown, 0);
  shows(() => metrics.collect(bfd, 5, { missing: SILENT, late: { main: 2, data: 3, bgp: 4 } }), {
    'sessions_count admin_down': 1,
    'sessions_count down': 2,
  });
  for (const state of [init, up]) {
    for (const session of sessions) Object.defineProperty(session, 'state', { get: () => state, configurable: true });
    metrics.collect(bfd, 0, { missing: undefined, late: { main: 0, data: 0, bgp: 0 } });
    const name = `sessions_count ${state === up ? 'up' : 'init'}`;
    assert.equal(moved(slots)[name], 3);
    seen.add(name);
  }
  assert.equal(moved(slots)['held_count'], undefined);
  const all = SERIES.filter(({ spec }) => spec.type !== 'histogram').length;
  assert.equal(seen.size, all);
});

test('how late the thread was is in the bucket that it belongs to', () => {
  const slots = allocateSlots();
  const metrics = new BfdMetrics(slots, false);
  for (const us of [50, 300, 300, 2_000_000]) metrics.late(us);
  const histogram = SERIES.find(({ spec }) => spec.type === 'histogram');
  const at = histogram?.at as number;
  assert.deepEqual([...slots.subarray(at, at + 11)], [1, 2, 0, 0, 0, 0, 0, 0, 0, 1, 2.00065]);
});
