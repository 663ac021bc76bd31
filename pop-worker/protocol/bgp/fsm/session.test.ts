import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CeaseSubcode } from '../errors.ts';
import { cease } from '../wire/cease.ts';
import { Family } from '../wire/families.ts';
import { endingText } from './ending.ts';
import { State } from './state.ts';
import { Pair } from './testing/pair.ts';
import { mirrored, SECOND, settingsOf } from './testing/settings.ts';

const pairOf = (one = settingsOf(), other = mirrored(one)): Pair => new Pair(one, other);

const established = (pair: Pair): Pair => {
  pair.start();
  pair.pass(SECOND);
  assert.ok(pair.sides.every((side) => side.is(State.established)));
  return pair;
};

test('two speakers come to a session, and stay in it', () => {
  const pair = established(pairOf());
  pair.pass(3600 * SECOND);
  for (const side of pair.sides) {
    assert.ok(side.is(State.established));
    assert.deepEqual(side.routes.said, ['up 0 ipv4-unicast ipv6-unicast']);
    assert.equal(side.neighbour.sessions, 1);
  }
});

test('KEEPALIVEs go three times in the hold time, a quarter of it left to chance (RFC 4271 §4.4, §10)', () => {
  const pair = established(pairOf(settingsOf({ holdTimeS: 30 })));
  const [one] = pair.sides;
  const times: number[] = [];
  for (let seen = 0; times.length < 40; pair.pass(SECOND / 10)) {
    if (one.sink.sent[4] !== seen) times.push(pair.now);
    seen = one.sink.sent[4] as number;
  }
  const gaps = times.slice(1).map((at, i) => (at - (times[i] as number)) / SECOND);
  assert.ok(
    gaps.slice(1).every((gap) => gap >= 7.3 && gap <= 10.2),
    gaps.join(' '),
  );
  assert.ok(new Set(gaps.map((gap) => gap.toFixed(1))).size > 5, 'not always the same');
});

test('the smaller hold time counts; with none, nobody is waited for (RFC 4271 §4.2)', () => {
  const one = settingsOf({ holdTimeS: 90 });
  const short = established(pairOf(one, mirrored(one, { holdTimeS: 9 })));
  assert.deepEqual(
    short.sides.map(({ neighbour }) => neighbour.session?.negotiated?.holdTimeS),
    [9, 9],
  );
  const never = established(pairOf(one, mirrored(one, { holdTimeS: 0 })));
  const [{ sink }] = never.sides;
  const sent = sink.sent[4];
  never.isCut = true;
  never.pass(100_000 * SECOND);
  assert.ok(never.sides.every((side) => side.is(State.established)));
  assert.equal(sink.sent[4], sent);
});

test('a neighbour that is silent for the hold time is given up, and told (RFC 4271 §6.5)', () => {
  const pair = established(pairOf());
  pair.isCut = true;
  const last = pair.now;
  while (pair.sides[0].is(State.established)) pair.pass(SECOND / 10);
  assert.ok(pair.now - last > 59 * SECOND && pair.now - last <= 90.2 * SECOND);
  assert.equal(pair.sides[0].sink.last, 'sent Hold Timer Expired');
  assert.equal(pair.sides[0].routes.said.at(-1), 'down 0');
});

test('an OPEN is waited for four minutes (RFC 4271 §8.2.2)', () => {
  const one = settingsOf({ holdTimeS: 9 });
  const pair = pairOf(one);
  const [side] = pair.sides;
  side.neighbour.start(pair.now);
  pair.isCut = true;
  pair.flush();
  side.neighbour.outgoing.connected(pair.now);
  pair.pass(239 * SECOND);
  assert.ok(side.is(State.openSent));
  pair.pass(2 * SECOND);
  assert.equal(side.sink.last, 'sent Hold Timer Expired');
});

test('a neighbour that takes nothing for the send hold time is given up (RFC 9687 §3)', () => {
  const one = settingsOf({ sendHoldUs: 600 * SECOND, holdTimeS: 0 });
  const pair = established(pairOf(one));
  const session = pair.sides[0].neighbour.session;
  session?.setBlocked(true, pair.now);
  pair.pass(599 * SECOND);
  assert.ok(pair.sides[0].is(State.established));
  session?.setBlocked(false, pair.now);
  pair.pass(700 * SECOND);
  assert.ok(pair.sides[0].is(State.established), 'it has taken more');
  session?.setBlocked(true, pair.now);
  pair.pass(601 * SECOND);
  assert.equal(pair.sides[0].neighbour.lastEnding?.cause, 'send_hold_expired');
  assert.equal(pair.sides[0].sink.last, 'sent Send Hold Timer Expired');
});

test('who is stopped tells why, in words too (RFC 9003), and stays down', () => {
  const pair = established(pairOf());
  const [one, other] = pair.sides;
  one.neighbour.stop(pair.now, cease(CeaseSubcode.administrativeShutdown, 'új kábel'));
  pair.pass(SECOND);
  assert.equal(other.sink.last, 'received Cease, Administrative Shutdown');
  const [ending] = other.sink.endings.filter(({ wasEstablished }) => wasEstablished);
  assert.ok(ending !== undefined);
  assert.equal(endingText(ending), 'received Cease, Administrative Shutdown: új kábel');
  pair.pass(3600 * SECOND);
  assert.equal(one.is(State.idle), true);
  one.neighbour.start(pair.now);
  pair.pass(300 * SECOND);
  assert.ok(pair.sides.every((side) => side.is(State.established)));
});

test('whoever is stopped before there is a connection has none that ends, and why it had none stays known', () => {
  const pair = pairOf();
  const [{ neighbour, sink }] = pair.sides;
  pair.isClosed = true;
  neighbour.start(pair.now);
  pair.pass(SECOND);
  for (const state of [State.active, State.connect]) {
    while (!pair.sides[0].is(state)) pair.pass(SECOND / 1000);
    neighbour.stop(pair.now, cease(CeaseSubcode.administrativeShutdown));
    assert.ok(pair.sides[0].is(State.idle));
    assert.deepEqual([sink.endings, neighbour.lastEnding?.reason], [[], 'it cannot be reached']);
    neighbour.start(pair.now);
  }
});

test('BFD Down ends the session by its own Cease (RFC 9384)', () => {
  const pair = established(pairOf());
  pair.sides[0].neighbour.end(pair.now, cease(CeaseSubcode.bfdDown), 'BFD', 'bfd_down');
  pair.pass(SECOND / 10);
  assert.equal(pair.sides[1].sink.last, 'received Cease, BFD Down');
  assert.equal(pair.sides[0].neighbour.lastEnding?.cause, 'bfd_down');
  pair.pass(60 * SECOND);
  assert.ok(pair.sides[0].is(State.established), 'and another one is had');
});

test('a passive neighbour is waited for, two passive ones for ever', () => {
  const one = settingsOf({ isPassive: true });
  const pair = established(pairOf(one, mirrored(one, { isPassive: false })));
  assert.equal(pair.sides[0].neighbour.session?.isOutgoing, false);
  const both = pairOf(one);
  both.start();
  both.pass(3600 * SECOND);
  assert.ok(both.sides.every((side) => side.is(State.active)));
});

test('who cannot be reached is tried again, with jitter (RFC 4271 §10)', () => {
  const pair = pairOf();
  pair.isClosed = true;
  pair.start();
  const times: number[] = [];
  let last = State.idle as State;
  for (let i = 0; i < 1000; i++) {
    pair.pass(SECOND / 10);
    const { state } = pair.sides[0].neighbour.outgoing;
    if (pair.connects !== times.length) times.push(pair.now);
    last = state;
  }
  assert.equal(last, State.active);
  assert.ok(pair.connects >= 2 * 19 && pair.connects <= 2 * 28, `${pair.connects}`);
  pair.isClosed = false;
  pair.pass(6 * SECOND);
  assert.ok(pair.sides[0].is(State.established));
});

test('why there is no connection is known and told once, until there was one or the reason is another', () => {
  const pair = pairOf();
  const [{ neighbour, sink }] = pair.sides;
  const told = () => sink.lines.filter((line) => line.includes('unreachable'));
  const REFUSED = 'it cannot be reached: connection refused';
  const SILENT = 'it cannot be reached: no answer for the connect retry time';
  const refused = (): void => {
    neighbour.outgoing.lost(pair.now, REFUSED);
    assert.equal(neighbour.lastEnding?.reason, REFUSED);
  };
  pair.isCut = true;
  neighbour.start(pair.now);
  refused();
  pair.pass(60 * SECOND);
  assert.equal(neighbour.lastEnding?.reason, SILENT);
  assert.equal(pair.sides[0].sink.endings.length, 0, 'no connection has ended');
  assert.ok(sink.failedAttempts > 6, `${sink.failedAttempts}`);
  assert.deepEqual(told(), [`0 unreachable: ${REFUSED}`, `0 unreachable: ${SILENT}`]);
  pair.isCut = false;
  pair.pass(10 * SECOND);
  pair.sides[1].neighbour.start(pair.now);
  pair.pass(10 * SECOND);
  assert.ok(pair.sides[0].is(State.established));
  assert.equal(neighbour.lastSession, undefined);
  neighbour.stop(pair.now, cease(CeaseSubcode.administrativeShutdown));
  neighbour.start(pair.now);
  refused();
  assert.equal(told().at(-1), `0 unreachable: ${REFUSED}`, 'there was a connection: it is news');
});

test('routes are asked for and told anew (RFC 2918), between marks (RFC 7313); of no other family', () => {
  const one = settingsOf();
  const only4 = { capabilities: { families: [Family.ipv4Unicast] } };
  const pair = established(pairOf(one, mirrored(one, only4)));
  const [{ speaker, neighbour }, { routes }] = pair.sides;
  assert.equal(speaker.askRefresh(0), true);
  for (const subtype of [1, 2] as const) neighbour.session?.askRefresh({ family: Family.ipv4Unicast, subtype });
  neighbour.session?.askRefresh({ family: Family.ipv6Unicast, subtype: 0 });
  pair.pass(SECOND);
  assert.deepEqual(routes.said.slice(1), [
    'refresh 0 ipv4-unicast',
    'refresh begins 0 ipv4-unicast',
    'refresh ends 0 ipv4-unicast',
  ]);
});

test('KEEPALIVEs that TCP does not take are not heaped up', () => {
  const pair = established(pairOf());
  const { session } = pair.sides[0].neighbour;
  session?.setBlocked(true, pair.now);
  pair.pass(80 * SECOND);
  assert.ok(pair.sides[0].is(State.established));
  assert.equal(session?.queue.length, 0);
});

test('a session that was lost is had again at once', () => {
  const pair = established(pairOf());
  for (const { neighbour } of pair.sides) neighbour.session?.lost(pair.now, 'cut');
  pair.pass(SECOND / 10);
  assert.ok(pair.sides.every((side) => side.is(State.established)));
});

test('who errs again and again is tried less and less, every two minutes at last', () => {
  const one = settingsOf();
  const pair = pairOf(one, mirrored(one, { isPassive: true, localAs: 7, capabilities: { fourOctetAs: 7 } }));
  pair.start();
  pair.pass(600 * SECOND);
  assert.equal(pair.sides[0].sink.last, 'sent OPEN Message Error, Bad Peer AS');
  assert.ok(pair.connects > 6 && pair.connects < 15, `${pair.connects}`);
});
