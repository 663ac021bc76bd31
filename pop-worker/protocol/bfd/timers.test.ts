import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Diagnostic, State } from './state.ts';
import { Stat } from './stats.ts';
import { alone } from './testing/alone.ts';
import { FAST, MS, Pair, type Sent } from './testing/pair.ts';

const { down, init, up } = State;

test('nothing is sent faster than once a second before the session is Up (RFC 5880 §6.8.3)', () => {
  const pair = new Pair();
  pair.passes = () => false;
  pair.open();
  pair.run(60_000 * MS);
  const sent = pair.sentBy(pair.a);
  for (let i = 1; i < sent.length; i++) {
    const gap = (sent[i] as Sent).at - (sent[i - 1] as Sent).at;
    assert.ok(gap >= 750 * MS && gap <= 1000 * MS, `${gap}`);
    assert.equal(sent[i]?.packet.desiredMinTxUs, 1_000_000);
  }
  assert.ok(sent.length >= 60 && sent.length <= 80);
});

test('each interval is cut by a random part of up to 25 % (RFC 5880 §6.8.7)', () => {
  for (const [detectMult, most] of [
    [3, 50],
    [1, 45],
  ] as const) {
    const pair = new Pair();
    pair.up({ detectMult });
    pair.run(20_000 * MS);
    const times = pair.sentBy(pair.a).map(({ at }) => at);
    const gaps = times.slice(1).map((at, i) => at - (times[i] as number));
    assert.ok(
      gaps.every((gap) => gap >= 37.5 * MS && gap <= most * MS),
      'within the bounds',
    );
    assert.ok(Math.max(...gaps) > (most - 1) * MS && Math.min(...gaps) < 38.5 * MS, 'all over them');
  }
});

test('a session that lost nothing is never down, whatever its timing', () => {
  fc.assert(
    fc.property(
      fc.record({
        tx: fc.integer({ min: 10, max: 300 }),
        rx: fc.integer({ min: 10, max: 300 }),
        mult: fc.integer({ min: 2, max: 5 }),
        seed: fc.nat(1000),
      }),
      ({ tx, rx, mult, seed }) => {
        const pair = new Pair(seed);
        const [a, b] = pair.up(
          { desiredMinTxUs: tx * MS, requiredMinRxUs: rx * MS, detectMult: mult },
          { desiredMinTxUs: rx * MS, requiredMinRxUs: 20 * MS },
        );
        pair.run(5000 * MS);
        assert.deepEqual([a.state, b.state, ...pair.a.changes, ...pair.b.changes], [up, up]);
        // The slower of both decides (§6.8.2).
        assert.equal(a.stats[Stat.transmitIntervalUs], Math.max(tx, 20) * MS);
        assert.equal(b.stats[Stat.transmitIntervalUs], Math.max(rx, rx) * MS);
        assert.equal(b.detectionTimeUs, mult * Math.max(tx, 20) * MS);
      },
    ),
    { numRuns: 30 },
  );
});

test('a Poll is answered by Final at once, in any state but AdminDown, and never with Poll (RFC 5880 §6.5)', () => {
  const { pair, session, tell } = alone();
  for (const state of [down, init, up]) {
    pair.run(100 * MS);
    const before = pair.now;
    tell({ state, poll: true });
    pair.run(0);
    const [answer] = pair.sentBy(pair.a, before);
    assert.deepEqual([answer?.at, answer?.packet.final, answer?.packet.poll], [before, true, false], `${state}`);
  }
  assert.equal(session.state, up);
  session.disable(Diagnostic.administrativelyDown, pair.now);
  pair.run(1 * MS);
  const before = pair.now;
  tell({ state: up, poll: true });
  pair.run(0);
  assert.equal(pair.sentBy(pair.a, before).filter(({ packet }) => packet.final).length, 0);
});

test('a Poll Sequence goes on with what is sent anyway until Final comes (RFC 5880 §6.5)', () => {
  const pair = new Pair();
  const [a] = pair.up();
  let lost = 5;
  // Final gets lost five times.
  pair.passes = ({ packet }) => !(packet.final && lost-- > 0);
  a.setTiming({ ...FAST, desiredMinTxUs: 100 * MS });
  pair.run(2000 * MS);
  const polls = pair.sentBy(pair.a).filter(({ packet }) => packet.poll);
  assert.equal(polls.length, 6);
  // The first leaves at once, for the packet has changed (§6.8.7); the others are the periodic ones.
  for (let i = 1; i < polls.length; i++) {
    const gap = (polls[i] as Sent).at - (polls[i - 1] as Sent).at;
    assert.ok(gap >= 37 * MS && gap <= 50 * MS, `${gap}`);
  }
  assert.equal(pair.sentBy(pair.a).at(-1)?.packet.poll, false);
});

test('slower sending begins once the peer has confirmed that it knows (RFC 5880 §6.8.3)', () => {
  const pair = new Pair();
  const [a, b] = pair.up();
  pair.passes = ({ packet }) => !packet.final;
  a.setTiming({ ...FAST, desiredMinTxUs: 400 * MS });
  pair.run(1000 * MS);
  assert.equal(a.stats[Stat.transmitIntervalUs], 50 * MS);
  assert.equal(b.detectionTimeUs, 1200 * MS, 'the peer goes by what it was told');
  pair.passes = () => true;
  pair.run(500 * MS);
  assert.equal(a.stats[Stat.transmitIntervalUs], 400 * MS);
  pair.run(5000 * MS);
  assert.deepEqual([...pair.a.changes, ...pair.b.changes], []);
});

test('a shorter Detection Time holds once the peer has confirmed that it sends faster (RFC 5880 §6.8.3)', () => {
  const pair = new Pair();
  const [a, b] = pair.up({ requiredMinRxUs: 400 * MS }, {});
  assert.equal(a.detectionTimeUs, 1200 * MS);
  pair.passes = ({ packet }) => !packet.final;
  a.setTiming(FAST);
  pair.run(100 * MS);
  assert.equal(a.detectionTimeUs, 1200 * MS);
  assert.equal(b.stats[Stat.transmitIntervalUs], 50 * MS, 'the peer sends faster at once');
  pair.passes = () => true;
  pair.run(200 * MS);
  assert.equal(a.detectionTimeUs, 150 * MS);
  pair.run(5000 * MS);
  assert.deepEqual([...pair.a.changes, ...pair.b.changes], []);
});

test('faster sending and a longer Detection Time hold at once (RFC 5880 §6.8.3)', () => {
  const pair = new Pair();
  const [a] = pair.up({ desiredMinTxUs: 400 * MS });
  pair.passes = ({ packet }) => !packet.final;
  a.setTiming({ ...FAST, requiredMinRxUs: 100 * MS });
  const before = pair.now;
  pair.run(60 * MS);
  assert.equal(a.stats[Stat.transmitIntervalUs], 50 * MS);
  assert.ok(pair.sentBy(pair.a, before).length >= 2);
  assert.equal(a.detectionTimeUs, 1200 * MS, 'of the peer, which sends every 400 ms');
});

test('a peer that wants packets faster gets the next one no later than its interval after the last (RFC 5880 §6.8.3)', () => {
  const { pair, tell } = alone({ desiredMinTxUs: 20 * MS });
  tell({ state: down });
  tell({ state: init, requiredMinRxUs: 2_000_000 });
  pair.run(500 * MS);
  const last = pair.sentBy(pair.a).at(-1) as Sent;
  const before = pair.now;
  tell({ state: up, requiredMinRxUs: 100_000 });
  pair.run(0);
  assert.equal(pair.sentBy(pair.a, before).length, 1, `the last was at ${last.at}`);
});

test('another change during a Poll Sequence gets a sequence of its own (RFC 5880 §6.8.3)', () => {
  const pair = new Pair();
  const [a] = pair.up();
  a.setTiming({ ...FAST, desiredMinTxUs: 100 * MS });
  pair.run(0);
  a.setTiming({ ...FAST, desiredMinTxUs: 200 * MS });
  pair.run(0);
  const start = pair.now;
  pair.run(1500 * MS);
  const polls = pair.sentBy(pair.a, start).filter(({ packet }) => packet.poll && packet.desiredMinTxUs === 200 * MS);
  const finals = pair.sentBy(pair.b, start).filter(({ packet }) => packet.final);
  const between = pair.sentBy(pair.b).find(({ at, packet }) => at > (finals[0] as Sent).at && !packet.final) as Sent;
  assert.ok(finals.length >= 2);
  assert.ok(
    polls.some(({ at }) => at > between.at),
    'after a packet without Final',
  );
  assert.equal(a.stats[Stat.transmitIntervalUs], 200 * MS);
});

test('Detect Mult changes without a Poll Sequence (RFC 5880 §6.8.12)', () => {
  const pair = new Pair();
  const [a, b] = pair.up();
  a.setTiming({ ...FAST, detectMult: 5 });
  pair.run(10 * MS);
  assert.equal(b.detectionTimeUs, 250 * MS);
  assert.ok(pair.sentBy(pair.a).every(({ packet }) => !packet.poll));
});

test('a peer in Demand mode gets no periodic packets, but Polls of what changes (RFC 5880 §6.6)', () => {
  const { pair, session, tell } = alone();
  tell({ state: init });
  assert.equal(session.state, up);
  // Confirms what changed when it came Up.
  pair.run(0);
  tell({ state: up, final: true, demand: true, desiredMinTxUs: 50_000 });
  tell({ state: up, demand: true, desiredMinTxUs: 50_000 });
  pair.run(0);
  const quiet = pair.now;
  for (let i = 0; i < 40; i++) {
    pair.run(40 * MS);
    tell({ state: up, demand: true, desiredMinTxUs: 50_000 });
  }
  assert.equal(pair.sentBy(pair.a, quiet + 1).length, 0);
  assert.equal(session.state, up, 'it is heard, and so it is Up');
  session.setConcatenated(Diagnostic.concatenatedPathDown);
  const change = pair.now;
  for (let i = 0; i < 4; i++) {
    pair.run(40 * MS);
    tell({ state: up, demand: true, desiredMinTxUs: 50_000 });
  }
  const polls = pair.sentBy(pair.a, change);
  assert.ok(polls.length >= 3 && polls.every(({ packet }) => packet.poll && !packet.demand), 'until it is answered');
  tell({ state: up, demand: true, final: true, desiredMinTxUs: 50_000 });
  const answered = pair.now;
  pair.run(100 * MS);
  assert.equal(pair.sentBy(pair.a, answered + 1).length, 0);
  tell({ state: up, demand: false, desiredMinTxUs: 50_000 });
  pair.run(100 * MS);
  assert.ok(pair.sentBy(pair.a, answered + 1).length >= 2, 'periodic again (§6.8.14)');
});

test('a peer that wants no packets gets no periodic ones (RFC 5880 §6.8.7, §6.8.18)', () => {
  const { pair, session, tell } = alone();
  tell({ state: down, requiredMinRxUs: 0 });
  pair.run(0);
  const before = pair.now;
  for (let i = 0; i < 5; i++) {
    pair.run(900 * MS);
    tell({ state: down, requiredMinRxUs: 0 });
  }
  assert.equal(pair.sentBy(pair.a, before + 1).length, 0);
  // It is silent for its Detection Time: what it said is forgotten.
  pair.run(10_000 * MS);
  assert.ok(pair.sentBy(pair.a, before + 1).length > 5);
  assert.equal(session.remoteDiscriminator, 0);
});

test('a multi-hop session that fails for silence slows down, and speeds up when it is stable (RFC 5880 §7)', () => {
  const pair = new Pair();
  const multiHop = { multiHop: true };
  const [a] = pair.up(multiHop);
  for (const stretch of [2, 4, 8, 8]) {
    pair.passes = () => false;
    pair.run(3000 * MS);
    pair.passes = () => true;
    pair.run(5000 * MS);
    assert.equal(a.state, up);
    assert.equal(a.stats[Stat.transmitIntervalUs], 50 * MS * stretch);
  }
  pair.a.changes.length = 0;
  pair.run(200_000 * MS);
  assert.equal(a.stats[Stat.transmitIntervalUs], 50 * MS);
  assert.deepEqual(pair.a.changes, []);
});

test('a session alone keeps its rate however often it fails', () => {
  const pair = new Pair();
  const [a] = pair.up();
  for (let i = 0; i < 3; i++) {
    pair.passes = () => false;
    pair.run(1000 * MS);
    pair.passes = () => true;
    pair.run(3000 * MS);
    assert.equal(a.stats[Stat.transmitIntervalUs], 50 * MS);
  }
});
