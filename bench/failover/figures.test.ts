import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FAULTS } from './faults.ts';
import { fatesOf, figuresOf } from './figures.ts';
import type { Arrivals, Seen } from './order.ts';
import type { Client, Observation } from './scene.ts';

/** Packets until the fault at 5000, then again from `back` on, or never. */
const arrivals = (back: number | undefined): Arrivals =>
  back === undefined
    ? { first: 0, last: 5000, count: 500, gaps: [] }
    : { first: 0, last: 15_000, count: 900, gaps: [[5000, back]] };

const clientOf = (id: number, destination: Client['destination'], direction: Client['direction']): Client => ({
  ...{ id, destination, direction },
  ...{ local: '', far: '' },
});

const seen = (part: Partial<Seen>): Seen => ({ arrivals: {}, connections: {}, ownStallMs: 3, ...part });

const observation: Observation = {
  clients: [
    clientOf(0, 'device', 'up'),
    clientOf(1, 'internet_v4', 'down'),
    clientOf(2, 'internet_v6', 'both'),
    clientOf(3, 'internet_v6', 'up'),
  ],
  near: seen({
    arrivals: { 1: arrivals(undefined), 2: arrivals(5100) },
    connections: { 0: { last: 14_950 }, 1: { last: 5000, ended: 'ECONNRESET' }, 2: { last: 9000 }, 3: { last: 0 } },
  }),
  far: [seen({ arrivals: { 0: arrivals(5200) } }), seen({ arrivals: { 2: arrivals(5400), 3: arrivals(5010) } })],
  from: 5005,
  until: 15_005,
  handshakes: 1,
};

test('each client fares as its stream’s receivers and its connection say', () => {
  const fates = fatesOf(observation).map(({ client: _, ...fate }) => fate);
  assert.deepEqual(fates, [
    { wasWell: true, gapMs: 200, isBack: true, isConnected: true },
    { wasWell: true, gapMs: 10_005, isBack: false, isConnected: false },
    // The worse way counts; and a connection without answers is lost although nobody ended it.
    { wasWell: true, gapMs: 400, isBack: true, isConnected: false },
    { wasWell: false, gapMs: 10, isBack: true, isConnected: false },
  ]);
});

test('who was not well before is in no figure but its own', () => {
  const figures = new Map(figuresOf([observation, observation], FAULTS[0]!).map((one) => [one.metric, one]));
  const value = (metric: string): number | undefined => figures.get(metric)?.value;
  assert.deepEqual(
    ['clients', 'not_flowing_before', 'connections_lost', 'interruption_p50', 'interruption_p99', 'own_stall'].map(
      value,
    ),
    [6, 2, 4, 400, 10_005, 3],
  );
  assert.deepEqual([value('never_back_internet_v4'), value('connections_lost_device')], [2, 0]);
  assert.equal(value('interruption_internet_v6_both_p50'), 400);
  assert.equal(figures.has('interruption_internet_v6_up_p50'), false);
  assert.deepEqual(figures.get('interruption_p50')?.bar, { atMost: 300 });
});

test('clients that are not to act are told on', () => {
  const own = figuresOf([observation, observation], { ...FAULTS[0]!, clientsAct: false }).filter(
    ({ metric }) => metric === 'own_handshakes',
  );
  assert.deepEqual(own, [{ metric: 'own_handshakes', value: 2, unit: 'count', runs: 2, bar: { atMost: 0 } }]);
  assert.ok(figuresOf([observation], FAULTS[0]!).every(({ metric }) => metric !== 'own_handshakes'));
});
