import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import { meetsBar, summarise } from '#telemetry/measurement.ts';
import { measurePeers, sideBySide } from './beside.ts';

const BAR = { atLeast: 1 };

test("ours, each peer's, and the ratio of ours to each, which the bar is for", () => {
  const lines = sideBySide({ metric: 'goodput', unit: 'Gbit/s', ours: 3, peers: { a: 2, b: 6 }, bar: BAR });
  assert.deepEqual(lines, [
    { metric: 'goodput', value: 3, unit: 'Gbit/s' },
    { metric: 'goodput', value: 2, unit: 'Gbit/s', peer: 'a' },
    { metric: 'goodput', value: 6, unit: 'Gbit/s', peer: 'b' },
    { metric: 'goodput_ratio', value: 1.5, unit: 'ratio', peer: 'a', bar: BAR },
    { metric: 'goodput_ratio', value: 0.5, unit: 'ratio', peer: 'b', bar: BAR },
  ]);
  assert.deepEqual(
    lines.slice(3).map(({ value, bar }) => bar && meetsBar(value, bar)),
    [true, false],
  );
});

test('no ratio without a bar, without peers or without ours; a peer that managed nothing is no measure', () => {
  const beside = { metric: 'rtt', unit: 'us', peers: { a: 50 } };
  assert.equal(sideBySide({ ...beside, ours: 100 }).length, 2);
  assert.deepEqual(sideBySide({ ...beside, ours: 100, peers: {}, bar: BAR }), [
    { metric: 'rtt', value: 100, unit: 'us' },
  ]);
  assert.deepEqual(sideBySide({ ...beside, bar: BAR }), [{ metric: 'rtt', value: 50, unit: 'us', peer: 'a' }]);
  assert.throws(() => sideBySide({ ...beside, ours: 1, peers: { a: 0 }, bar: BAR }), /nothing to compare/);
});

test('with bars by peer, whoever has none gets a ratio all the same', () => {
  const beside = { metric: 'cpu', unit: 'us', ours: 3, peers: { a: 2, b: 6 } };
  assert.deepEqual(sideBySide({ ...beside, bars: { a: { atMost: 1.25 } } }).slice(3), [
    { metric: 'cpu_ratio', value: 1.5, unit: 'ratio', peer: 'a', bar: { atMost: 1.25 } },
    { metric: 'cpu_ratio', value: 0.5, unit: 'ratio', peer: 'b' },
  ]);
});

test('over several interleaved runs the bar is held against the median of the ratios', () => {
  const runs = [
    [2, 1],
    [1, 2],
    [3, 2],
  ] as const;
  const ratios = runs.map(
    ([ours, a]) => sideBySide({ metric: 'goodput', unit: 'Gbit/s', ours, peers: { a }, bar: BAR })[2]!,
  );
  const { value, min, max, bar } = summarise(ratios);
  assert.deepEqual({ value, min, max, bar }, { value: 1.5, min: 0.5, max: 2, bar: BAR });
});

test('peers are measured when they are wanted; one that cannot be had is skipped, one that fails is a failure', async () => {
  const skipped: string[] = [];
  const context = { peers: true, run: 0, remark: () => {}, skipPeer: (peer: string) => void skipped.push(peer) };
  const peers = [{ peer: 'a' }, { peer: 'b' }];
  const measure = async ({ peer }: { peer: string }) => {
    if (peer === 'b') throw new PeerMissing('no b');
    return 1;
  };
  assert.deepEqual(await measurePeers(peers, context, measure), { a: 1 });
  assert.deepEqual(skipped, ['b']);
  assert.deepEqual(await measurePeers(peers, { ...context, peers: false }, measure), {});
  await assert.rejects(
    measurePeers(peers, context, () => Promise.reject(new Error('it broke'))),
    /it broke/,
  );
});
