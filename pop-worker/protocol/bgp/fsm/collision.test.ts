import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeOpen } from '../wire/open.ts';
import { keepsOutgoing } from './collision.ts';
import { State } from './state.ts';
import { Pair, repeatable } from './testing/pair.ts';
import { mirrored, SECOND, settingsOf } from './testing/settings.ts';

const LOW = 0x0a000001;
const HIGH = 0x0a000002;

/** Of two that connect at the same time, who made the connection that is kept. */
const survivor = (one: number, other: number): [boolean | undefined, Pair] => {
  const settings = settingsOf({ identifier: one });
  const pair = new Pair(settings, mirrored(settings, { identifier: other }));
  pair.start();
  pair.pass(SECOND);
  const [a, b] = pair.sides;
  assert.ok(a.is(State.established) && b.is(State.established));
  assert.equal(pair.connects, 2);
  assert.notEqual(a.neighbour.session?.isOutgoing, b.neighbour.session?.isOutgoing, 'it is the same one');
  return [a.neighbour.session?.isOutgoing, pair];
};

test('both connect at once: that of the higher identifier stays, the other is told (RFC 4271 §6.8)', () => {
  for (const [one, other, keepsMine] of [
    [LOW, HIGH, false],
    [HIGH, LOW, true],
  ] as const) {
    const [kept, pair] = survivor(one, other);
    assert.equal(kept, keepsMine);
    const told = pair.sides.flatMap(({ sink }) => sink.lines.filter((line) => line.includes('Collision')));
    assert.ok(told.some((line) => line.includes('sent Cease, Connection Collision Resolution')));
    for (const { routes, neighbour } of pair.sides) {
      assert.equal(routes.said.length, 1, 'routes have seen one session');
      assert.equal(neighbour.sessions, 1);
    }
  }
});

test('however messages of the two connections pass each other, the first session stays', () => {
  const byte = new Uint8Array(1);
  for (let seed = 1; seed <= 300; seed++) {
    const settings = settingsOf({ identifier: LOW });
    const pair = new Pair(settings, mirrored(settings, { identifier: HIGH }));
    const chance = repeatable(seed);
    pair.jitterUs = () => {
      chance.fill(byte);
      return (byte[0] as number) * 20;
    };
    pair.start();
    pair.pass(10 * SECOND);
    const said = pair.sides.map(({ routes, neighbour }) => [routes.said.length, neighbour.sessions, neighbour.state]);
    const one = [1, 1, State.established];
    assert.deepEqual(said, [one, one], `seed ${seed}`);
  }
});

test('equal identifiers: that of the higher AS stays (RFC 6286 §2.3)', () => {
  // AS 64500 and 64501.
  assert.equal(survivor(LOW, LOW)[0], false);
  const [ours, theirs] = [settingsOf({ localAs: 7 }), { as: 6, identifier: LOW, holdTimeS: 90 }];
  const open = { ...theirs, capabilities: ours.capabilities };
  assert.equal(keepsOutgoing(ours, open), true);
  assert.equal(keepsOutgoing(ours, { ...open, as: 8 }), false);
  assert.equal(keepsOutgoing(ours, { ...open, as: 8, identifier: 0 }), true);
  assert.equal(keepsOutgoing({ ...ours, identifier: 0x8000_0000 }, { ...open, identifier: 0x7fff_ffff }), true);
});

test('a second connection does not disturb a session (RFC 4271 §6.8)', () => {
  const settings = settingsOf({ identifier: LOW });
  const pair = new Pair(settings, mirrored(settings, { identifier: HIGH, isPassive: true }));
  pair.start();
  pair.pass(SECOND);
  const [one, other] = pair.sides;
  const session = one.neighbour.session;
  assert.equal(session?.isOutgoing, true);
  // Whatever made the other connect.
  assert.equal(one.neighbour.accept(pair.now), undefined);
  one.neighbour.incoming.receive(openOf(other), 0, openOf(other).length, pair.now);
  pair.pass(60 * SECOND);
  assert.equal(one.neighbour.session, session);
  assert.ok(one.sink.lines.some((line) => line.includes('sent Cease, Connection Collision Resolution')));
  assert.deepEqual(one.routes.said, ['up 0 ipv4-unicast ipv6-unicast']);
});

test('who connects again before a session is there has given up the one before', () => {
  const settings = settingsOf({ isPassive: true });
  const pair = new Pair(settings, mirrored(settings));
  const [one] = pair.sides;
  one.neighbour.start(pair.now);
  assert.equal(one.neighbour.accept(pair.now), undefined);
  assert.equal(one.neighbour.accept(pair.now), undefined);
  assert.equal(one.sink.last, 'connection');
  assert.equal(one.neighbour.incoming.queue.length, openOf(one).length, 'what was for the one before is for nobody');
  assert.ok(one.is(State.openSent));
});

test('a second connection of the same direction is refused while there is a session', () => {
  const settings = settingsOf();
  const pair = new Pair(settings, mirrored(settings, { isPassive: true }));
  pair.start();
  pair.pass(SECOND);
  const [, other] = pair.sides;
  assert.equal(other.neighbour.session?.isOutgoing, false);
  assert.deepEqual(other.neighbour.accept(pair.now), { code: 6, subcode: 7, data: new Uint8Array(0) });
});

/** What a side says first. */
const openOf = ({ neighbour }: Pair['sides'][number]): Uint8Array => {
  const { localAs, identifier, holdTimeS, capabilities } = neighbour.settings;
  const buffer = new Uint8Array(4096);
  return buffer.subarray(0, writeOpen(buffer, 0, { as: localAs, identifier, holdTimeS, capabilities }));
};
