import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LostPacket } from '../rate-sampler.ts';
import { FullBandwidth } from './full-bandwidth.ts';
import { inflightAtLoss, isTooHigh, LongTerm } from './long-term.ts';
import { MaxBandwidth } from './max-bandwidth.ts';
import { MinRtt } from './min-rtt.ts';
import { Rounds } from './rounds.ts';
import { WindowedMax } from './windowed-max.ts';

const SMSS = 1200;

const lostPacket = (bytes: number, txInFlight: number, lost: number): LostPacket => ({
  packetNumber: 1,
  bytes,
  sentTime: 0,
  txInFlight,
  delivered: 0,
  lost,
  totalDelivered: 0,
  isAppLimited: false,
});

test('§5.5.10.2: at which volume the losses crossed two percent', () => {
  assert.ok(isTooHigh(3600, 120_000));
  assert.ok(!isTooHigh(2400, 120_000), 'exactly two percent is not too much');
  assert.equal(inflightAtLoss(lostPacket(1200, 120_000, 3600)), 118_800);
  assert.equal(inflightAtLoss(lostPacket(1200, 240_000, 6000)), 238_800);
  assert.equal(Math.round(inflightAtLoss(lostPacket(1200, 100_800, 2400))), 100_408);
  assert.equal(Math.round(inflightAtLoss(lostPacket(12_000, 120_000, 12_000))), 110_204, 'in the middle of a burst');
});

test('§5.3.3.9: headroom is fifteen percent of the bound, and leaves four packets', () => {
  const longTerm = new LongTerm();
  assert.equal(longTerm.withHeadroom(SMSS), Number.POSITIVE_INFINITY);
  longTerm.inflight = 100_000;
  assert.equal(longTerm.withHeadroom(SMSS), 85_000);
  longTerm.inflight = 6000;
  assert.equal(longTerm.withHeadroom(SMSS), 4800);
});

test('§5.3.3.9: the bound grows by 1, 2, 4, 8 packets in rounds of a probe', () => {
  const longTerm = new LongTerm();
  longTerm.inflight = 100 * SMSS;
  const growth = [1, 2, 3, 4].map(() => {
    const before = longTerm.inflight;
    longTerm.raiseSlope(100 * SMSS, SMSS);
    for (let i = 0; i < 100; i++) longTerm.raise(SMSS, SMSS);
    return (longTerm.inflight - before) / SMSS;
  });
  assert.deepEqual(growth, [1, 2, 4, 8]);
  longTerm.stopRaising();
  longTerm.raise(1e9, SMSS);
  assert.equal(longTerm.inflight, 115 * SMSS);
});

test('§5.5.3 to §5.5.6: the bandwidth is the best of this cycle and the one before', () => {
  const max = new MaxBandwidth();
  max.update(100, false);
  max.advance();
  max.update(80, false);
  assert.equal(max.value, 100);
  max.advance();
  assert.equal(max.value, 80);
  max.update(70, true);
  assert.equal(max.value, 80, 'a limit of the application says nothing');
  max.advance();
  assert.equal(max.value, 80, 'a cycle that measured nothing forgets nothing');
  max.update(90, true);
  assert.equal(max.value, 90, 'unless there is more');
});

test('§5.3.1.2: a plateau is three rounds of less than a quarter more', () => {
  const full = new FullBandwidth();
  for (const rate of [100, 125, 157]) full.onRound(rate);
  full.onRound(158);
  full.onRound(160);
  assert.equal(full.now, false);
  full.onRound(170);
  assert.ok(full.now && full.reached);
  full.reset(170);
  assert.equal(full.now, false);
  assert.ok(full.reached, 'once is for ever');
});

test('§5.3.4.3: the shortest round trip lives for ten seconds, a probe is due after five', () => {
  const rtt = new MinRtt();
  rtt.begin(0);
  rtt.update(100_000, 40_000);
  rtt.update(2_000_000, 50_000);
  assert.equal(rtt.valueUs, 40_000);
  assert.equal(rtt.expired, false);
  rtt.update(5_100_001, 60_000);
  assert.ok(rtt.expired);
  assert.equal(rtt.valueUs, 40_000, 'kept while it is measured anew');
  rtt.update(10_100_001, 55_000);
  assert.equal(rtt.valueUs, 55_000);
  rtt.update(10_200_000, 30_000);
  assert.equal(rtt.valueUs, 30_000);
});

test('§5.5.1: a round ends with something that left after it began', () => {
  const rounds = new Rounds();
  rounds.update(0, 1000);
  assert.ok(rounds.start);
  rounds.update(500, 2000);
  assert.equal(rounds.start, false);
  rounds.onWindowFull();
  rounds.update(1000, 3000);
  assert.ok(rounds.start && rounds.windowLimited, 'the round before counts');
  rounds.update(3000, 4000);
  assert.equal(rounds.windowLimited, false);
  assert.equal(rounds.count, 3);
});

test('§5.5.9: the maximum of a window of rounds is exact', () => {
  const step = fc.record({ value: fc.nat(1000), rounds: fc.nat(3), length: fc.constantFrom(1, 10) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const max = new WindowedMax(10);
      const seen: { value: number; round: number }[] = [];
      let round = 0;
      for (const { value, rounds, length } of steps) {
        round += rounds;
        seen.push({ value, round });
        max.update(value, round, length);
        const inWindow = seen.filter((one) => round - one.round <= length).map((one) => one.value);
        assert.equal(max.value, Math.max(...inWindow));
      }
    }),
  );
});
