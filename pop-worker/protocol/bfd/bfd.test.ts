import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Burst, D_ECN, DESCRIPTOR_WORDS, HOP_LIMIT_SHIFT } from '../burst.ts';
import { Departure } from './bfd.ts';
import { DROP_REASONS, Drop } from './drop.ts';
import { BfdErrorCode } from './errors.ts';
import { MOST_SESSIONS, type SessionOptions } from './options.ts';
import { Diagnostic, State } from './state.ts';
import { Stat } from './stats.ts';
import { packetOf } from './testing/alone.ts';
import { addressOf, FAST, MS, Pair } from './testing/pair.ts';

const SLOW = { ...FAST, desiredMinTxUs: 1_000_000, requiredMinRxUs: 1_000_000 };

test('the first packet is for the session of its receiver and sender (RFC 5881 §3, RFC 5883 §4.1)', () => {
  const { a, now } = new Pair();
  const open = (options: Partial<SessionOptions>) => a.bfd.open({ ...FAST, ...options }, now);
  const sessions = [
    open({ binding: 0, remote: addressOf(2) }),
    open({ binding: 0, remote: addressOf(3) }),
    open({ binding: 1, remote: addressOf(2) }),
    open({ binding: 2, pointToPoint: true }),
  ];
  const states = () => sessions.map(({ state }) => state);
  const { down, init } = State;
  a.take(packetOf({}), addressOf(3, 60_000), now, 255, 0);
  assert.deepEqual(states(), [down, init, down, down]);
  a.take(packetOf({}), addressOf(2, 60_000), now, 255, 1);
  assert.deepEqual(states(), [down, init, init, down]);
  a.take(packetOf({}), addressOf(99, 60_000), now, 255, 0);
  assert.equal(a.bfd.dropped[Drop.unknownSession], 1);
  a.take(packetOf({}), addressOf(99, 60_000), now, 255, 2);
  assert.deepEqual(
    states(),
    [down, init, init, init],
    'whatever address, where a link has one other end (RFC 5881 §6)',
  );
});

test('once it has our discriminator, a packet is told by that alone (RFC 5880 §6.3)', () => {
  const { a, now } = new Pair();
  const session = a.bfd.open(FAST, now);
  a.take(packetOf({ yourDiscriminator: session.discriminator, state: State.init }), addressOf(77, 1), now, 255, 9);
  assert.equal(session.state, State.up);
  a.take(packetOf({ yourDiscriminator: (session.discriminator ^ 1) >>> 0, state: State.up }), addressOf(2, 1), now);
  assert.equal(a.bfd.dropped[Drop.unknownSession], 1);
});

test('who does not know us cannot be Init or Up (RFC 5880 §6.8.6)', () => {
  const { a, now } = new Pair();
  const session = a.bfd.open(FAST, now);
  for (const state of [State.init, State.up]) a.take(packetOf({ state }), addressOf(2, 60_000), now);
  assert.deepEqual([session.state, a.bfd.dropped[Drop.state]], [State.down, 2]);
  for (const state of [State.adminDown, State.down]) a.take(packetOf({ state }), addressOf(2, 60_000), now);
  assert.equal(session.state, State.init);
});

test('discriminators are random, unique and not 0 (RFC 5880 §6.8.1)', () => {
  const { a, now } = new Pair();
  const all = Array.from({ length: MOST_SESSIONS }, (_, i) => a.bfd.open({ ...SLOW, binding: i }, now).discriminator);
  assert.equal(new Set(all).size, MOST_SESSIONS);
  assert.ok(all.every((discriminator) => discriminator > 0 && discriminator < 2 ** 31));
  assert.ok(all.filter((discriminator) => discriminator >= 2 ** 30).length > MOST_SESSIONS / 4);
});

test('sessions and packets a second have their limits', () => {
  const { a, now } = new Pair();
  const sessions = Array.from({ length: MOST_SESSIONS }, (_, i) => a.bfd.open({ ...SLOW, binding: i }, now));
  const one = { ...SLOW, binding: MOST_SESSIONS };
  assert.throws(() => a.bfd.open(one, now), {
    code: BfdErrorCode.tooManySessions,
    message: /256 BFD sessions already/,
  });
  for (const session of sessions.slice(100)) a.bfd.close(session);
  assert.equal(a.bfd.size, 100);
  // 2 packets a second each so far, 200 of the fastest.
  const fastest = { ...FAST, desiredMinTxUs: 10_000, requiredMinRxUs: 10_000 };
  const opened = Array.from({ length: 49 }, (_, i) => a.bfd.open({ ...fastest, binding: 100 + i }, now));
  assert.throws(() => a.bfd.open({ ...fastest, binding: 999 }, now), {
    code: BfdErrorCode.tooManyPackets,
    message: /would be 10200 packets a second, and 10000 are the most/,
  });
  const [first] = sessions;
  assert.ok(first !== undefined && opened.length === 49);
  assert.throws(() => a.bfd.setTiming(first, fastest), { code: BfdErrorCode.tooManyPackets });
  for (const session of opened.slice(0, 2)) a.bfd.setTiming(session, SLOW);
  a.bfd.open({ ...fastest, binding: 999 }, now);
});

test('one session for each path (RFC 5882 §4.4)', () => {
  const { a, now } = new Pair();
  const session = a.bfd.open(FAST, now);
  const again = { code: BfdErrorCode.duplicate, message: /clients share it/ };
  assert.throws(() => a.bfd.open(FAST, now), again);
  assert.throws(() => a.bfd.open({ ...FAST, remote: addressOf(3), pointToPoint: true }, now), again);
  a.bfd.close(session);
  a.bfd.close(session);
  assert.equal(a.bfd.open(FAST, now).index, session.index, 'its place is free');
});

test('options that make no sense are refused', () => {
  const { a, now } = new Pair();
  const wrong: readonly Partial<SessionOptions>[] = [
    { detectMult: 0 },
    { detectMult: 256 },
    { detectMult: 2.5 },
    { desiredMinTxUs: 9_999 },
    { desiredMinTxUs: 60_000_001 },
    { requiredMinRxUs: 0 },
    { requiredMinRxUs: Number.NaN },
    { remote: new Int32Array(6) },
    { remote: new Int32Array(0) },
    { passive: true },
    { multiHop: true, pointToPoint: true },
    { multiHop: true, leastHopLimit: 0 },
    { multiHop: true, leastHopLimit: 256 },
  ];
  for (const options of wrong) {
    const name = JSON.stringify(options);
    assert.throws(() => a.bfd.open({ ...FAST, ...options }, now), { code: BfdErrorCode.invalid, fault: 'local' }, name);
  }
  assert.equal(a.bfd.size, 0);
  const session = a.bfd.open({ ...FAST, detectMult: 255, desiredMinTxUs: 10_000, requiredMinRxUs: 60_000_000 }, now);
  assert.throws(() => a.bfd.setTiming(session, { ...FAST, detectMult: 0 }), { code: BfdErrorCode.invalid });
});

test('each reason to drop a packet has a name', () => {
  assert.deepEqual(Object.values(Drop), [0, ...DROP_REASONS.map((_, i) => i + 1)]);
});

test('many sessions run beside each other, and one that is closed disturbs none', () => {
  const pair = new Pair();
  const paths = Array.from({ length: 20 }, (_, i) => ({ binding: i, desiredMinTxUs: (20 + i) * MS }));
  const sessions = paths.map((path) => pair.open(path));
  pair.run(2000 * MS);
  assert.ok(sessions.flat().every(({ state }) => state === State.up));
  const [[gone, left]] = sessions as [(typeof sessions)[number]];
  pair.a.bfd.close(gone);
  pair.run(1000 * MS);
  assert.equal(left.state, State.down);
  assert.ok(
    sessions
      .slice(1)
      .flat()
      .every(({ state }) => state === State.up),
  );
});

test('a burst brings many packets, of several senders, and of one in a run', () => {
  const { a, now } = new Pair();
  const session = a.bfd.open(FAST, now);
  const other = a.bfd.open({ ...FAST, remote: addressOf(3) }, now);
  const burst = new Burst(1000, 8);
  const put = (bytes: Uint8Array, from: number): void => {
    burst.buffer.set(bytes, burst.used);
    burst.commit(bytes.length, 0, addressOf(from, 50_000), 0, addressOf(1), 0);
    burst.words[(burst.count - 1) * DESCRIPTOR_WORDS + D_ECN] = 255 << HOP_LIMIT_SHIFT;
  };
  put(packetOf({}), 2);
  burst.words[D_ECN] = 0;
  put(packetOf({ state: State.init, yourDiscriminator: session.discriminator }), 2);
  assert.equal(burst.count, 1, 'a run');
  put(packetOf({}), 3);
  put(packetOf({ myDiscriminator: 0 }), 3);
  put(new Uint8Array(0), 3);
  a.bfd.handle({ burst, binding: 0 }, now);
  assert.deepEqual([session.state, other.state], [State.up, State.init]);
  assert.deepEqual([a.bfd.dropped[Drop.none], a.bfd.dropped[Drop.myDiscriminator]], [3, 1]);
  assert.equal(other.stats[Stat.received], 1);
});

test('packets at one receiver take no other neighbour for silent; a deadline does', () => {
  const pair = new Pair();
  const [session] = pair.up();
  const other = pair.a.bfd.open({ ...FAST, remote: addressOf(3) }, pair.now);
  const late = pair.now + 1000 * MS;
  pair.a.take(packetOf({}), addressOf(3, 50_000), late);
  assert.deepEqual([session.state, other.state], [State.up, State.init]);
  pair.a.wake(late);
  assert.deepEqual([session.state, other.state], [State.down, State.init]);
});

test('what is sent in turn is each session’s, until nothing is due', () => {
  const { a, now } = new Pair();
  const sessions = [2, 3, 4].map((last) => a.bfd.open({ ...FAST, remote: addressOf(last) }, now));
  const departure = new Departure();
  const sent = new Set<unknown>();
  while (a.bfd.poll(now, departure)) {
    assert.equal(departure.length, 24);
    sent.add(departure.session);
  }
  assert.deepEqual([...sent], sessions);
  assert.equal(a.bfd.poll(now, departure), false);
  assert.ok(a.bfd.deadline() >= now + 750 * MS && a.bfd.deadline() <= now + 1000 * MS);
  for (const session of sessions) a.bfd.close(session);
  assert.equal(a.bfd.deadline(), Number.POSITIVE_INFINITY);
});

test('timing of a session is changed within the limits, and told', () => {
  const pair = new Pair();
  const [a, b] = pair.up();
  pair.a.bfd.setTiming(a, { ...FAST, detectMult: 7 });
  pair.run(10 * MS);
  assert.equal(b.detectionTimeUs, 350 * MS);
});

test('a session that is gone ends no other that has its place', () => {
  const { a, now } = new Pair();
  const gone = a.bfd.open(FAST, now);
  a.bfd.close(gone);
  const session = a.bfd.open(FAST, now);
  a.bfd.close(gone);
  assert.equal(a.bfd.at(session.index), session);
  assert.equal(a.bfd.size, 1);
});

test('what is opened once sessions are no longer held is free', () => {
  const pair = new Pair();
  pair.a.bfd.hold(Diagnostic.forwardingPlaneReset, pair.now);
  pair.a.bfd.release();
  const [a, b] = pair.open();
  pair.run(3000 * MS);
  assert.deepEqual([a.state, b.state], [State.up, State.up]);
});
