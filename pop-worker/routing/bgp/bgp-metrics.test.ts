import assert from 'node:assert/strict';
import { test } from 'node:test';
import { END_CAUSES } from '#protocol/bgp/fsm/ending.ts';
import { State } from '#protocol/bgp/fsm/state.ts';
import { Outcome } from '#protocol/bgp/wire/attributes/definition.ts';
import { MessageType } from '#protocol/bgp/wire/header.ts';
import { allocateSlots, LAYOUT } from '#telemetry/slots.ts';
import { BgpMetrics } from './bgp-metrics.ts';

/** Of the program around the thread (`pop-worker/bgp/file-neighbours.test.ts`). */
const OTHERS = 'cloudbridge_bgp_refused_neighbours_count';
const SERIES = LAYOUT.series.filter(({ spec }) => spec.name.startsWith('cloudbridge_bgp_') && spec.name !== OTHERS);

/** What has moved, by name and labels. */
const moved = (slots: Float64Array): Record<string, number> =>
  Object.fromEntries(
    SERIES.filter(({ at }) => slots[at] !== 0).map(({ spec, labels, at }) => [
      [spec.name.slice('cloudbridge_bgp_'.length), ...Object.values(labels)].join(' '),
      slots[at] as number,
    ]),
  );

test('each thing that happens moves its own series, and every series can move', () => {
  const seen = new Set<string>();
  const shows = (act: (metrics: BgpMetrics) => void, expected: Record<string, number>): void => {
    const slots = allocateSlots();
    act(new BgpMetrics(slots));
    assert.deepEqual(moved(slots), expected);
    for (const name of Object.keys(expected)) seen.add(name);
  };
  const names = { open: 'open', update: 'update', notification: 'notification', keepalive: 'keepalive' };
  for (const [key, type] of Object.entries(MessageType)) {
    const name = names[key as keyof typeof names] ?? 'route_refresh';
    shows((metrics) => metrics.message(type, true), { [`messages_total ${name} sent`]: 1 });
    shows((metrics) => metrics.message(type, false), { [`messages_total ${name} received`]: 1 });
  }
  for (const cause of END_CAUSES) {
    shows((metrics) => metrics.ended(cause, true), { [`ended_connections_total ${cause} yes`]: 1 });
    shows((metrics) => metrics.ended(cause, false), { [`ended_connections_total ${cause} no`]: 1 });
  }
  shows((metrics) => metrics.up(), { sessions_total: 1 });
  shows((metrics) => metrics.missingNextHops(2), { missing_next_hops_count: 2 });
  shows((metrics) => metrics.memory(4096), { routes_bytes: 4096 });
  shows((metrics) => metrics.unreachable(), { failed_attempts_total: 1 });
  shows((metrics) => metrics.heldBack(), { held_back_neighbours_total: 1 });
  shows((metrics) => metrics.refused('stranger'), { 'refused_connections_total stranger': 1 });
  shows((metrics) => metrics.refused('not_wanted'), { 'refused_connections_total not_wanted': 1 });
  shows((metrics) => metrics.faulty(Outcome.discardAttribute), { 'faulty_updates_total attribute_discard': 1 });
  shows((metrics) => metrics.faulty(Outcome.treatAsWithdraw), { 'faulty_updates_total treat_as_withdraw': 1 });
  shows((metrics) => metrics.faulty(Outcome.disableFamily), { 'faulty_updates_total family_disabled': 1 });
  const { idle, connect, active, openSent, openConfirm, established } = State;
  const states = [idle, connect, active, openSent, openConfirm, established, established];
  const all = states.map((state) => ({ neighbour: { state } }));
  shows(
    (metrics) => {
      metrics.collect(all);
      metrics.collect(all);
    },
    {
      'neighbours_count idle': 1,
      'neighbours_count connect': 1,
      'neighbours_count active': 1,
      'neighbours_count open_sent': 1,
      'neighbours_count open_confirm': 1,
      'neighbours_count established': 2,
    },
  );
  assert.equal(seen.size, SERIES.length);
});
