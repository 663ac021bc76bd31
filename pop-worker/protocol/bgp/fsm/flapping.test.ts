import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CeaseSubcode } from '../errors.ts';
import type { GracefulRestart } from '../wire/capabilities/definition.ts';
import { cease } from '../wire/cease.ts';
import { Family } from '../wire/families.ts';
import { writeEndOfRib } from '../wire/update-writer.ts';
import { State } from './state.ts';
import { Pair } from './testing/pair.ts';
import { mirrored, SECOND, settingsOf } from './testing/settings.ts';

test('a neighbour that flaps is refused while it is held back, and had again afterwards', () => {
  const one = settingsOf();
  const pair = new Pair(one, mirrored(one));
  pair.start();
  pair.pass(SECOND);
  const [{ neighbour, sink }] = pair.sides;
  for (let i = 0; i < 3; i++) {
    assert.ok(neighbour.session !== undefined, `session ${i}`);
    for (const side of pair.sides) side.neighbour.session?.lost(pair.now, 'cut');
    if (i < 2) pair.pass(10 * SECOND);
  }
  assert.ok(sink.lines.some((line) => line.startsWith('0 held back')));
  assert.deepEqual(neighbour.accept(pair.now), { code: 6, subcode: 5, data: new Uint8Array(0) });
  pair.pass(59 * SECOND);
  assert.equal(neighbour.state, State.idle);
  pair.pass(11 * SECOND);
  assert.equal(neighbour.state, State.established);
});

test('a session that is lost by our own fault is not counted', () => {
  const one = settingsOf();
  const pair = new Pair(one, mirrored(one));
  pair.start();
  pair.pass(SECOND);
  const [{ neighbour, sink }] = pair.sides;
  for (let i = 0; i < 5; i++) {
    assert.equal(neighbour.state, State.established, `session ${i}`);
    // At the other end too, which would count it as ours otherwise.
    for (const side of pair.sides) side.neighbour.end(pair.now, cease(CeaseSubcode.bfdDown), 'stuck', 'own_fault');
    pair.pass(10 * SECOND);
  }
  assert.ok(!sink.lines.some((line) => line.startsWith('0 held back')));
  assert.equal(neighbour.sessions, 6);
});

const gracefulRestart: GracefulRestart = {
  isRestarting: false,
  hasNotification: true,
  restartTimeS: 100,
  families: [{ family: Family.ipv4Unicast, isForwarding: true }],
};

/** We are the first side, and help with restarts of the second, which connects to us. */
const restarting = (): Pair => {
  const capabilities = { gracefulRestart: { ...gracefulRestart, families: [] } };
  const own = settingsOf({ capabilities, isPassive: true });
  const pair = new Pair(own, mirrored(own, { isPassive: false, capabilities: { gracefulRestart } }));
  pair.start();
  pair.pass(SECOND);
  return pair;
};

/** The neighbour tells that it has told all. */
const tellAll = (pair: Pair): void => {
  const buffer = new Uint8Array(100);
  pair.sides[1].routes.output.push(buffer.slice(0, writeEndOfRib(buffer, 0, Family.ipv4Unicast)));
  pair.pass(SECOND);
};

/** It has begun anew, and connects; we have not noticed that the connection before is gone. */
const restart = (pair: Pair): void => {
  const [, { neighbour }] = pair.sides;
  pair.isCut = true;
  neighbour.session?.lost(pair.now, 'crash');
  // It forgets whatever it has counted: its program is a new one.
  neighbour.start(pair.now);
  pair.flush();
  pair.isCut = false;
  neighbour.start(pair.now);
  pair.pass(5 * SECOND);
};

const isHeld = (pair: Pair): boolean => pair.sides[0].sink.lines.some((line) => line.startsWith('0 held back'));

test('a neighbour that restarts gracefully, and has told all again, does not flap (RFC 4724 §4.2)', () => {
  const pair = restarting();
  tellAll(pair);
  const [{ neighbour }] = pair.sides;
  for (let i = 1; i <= 6; i++) {
    restart(pair);
    assert.deepEqual([neighbour.state, neighbour.sessions], [State.established, i + 1]);
    tellAll(pair);
  }
  assert.equal(isHeld(pair), false);
  // Beside restarts what is lost counts as ever.
  for (let i = 0; i < 3; i++) {
    assert.equal(isHeld(pair), false);
    for (const side of pair.sides) side.neighbour.end(pair.now, cease(CeaseSubcode.bfdDown), 'down', 'bfd_down');
    pair.sides[1].neighbour.start(pair.now);
    pair.pass(9 * SECOND);
  }
  assert.equal(isHeld(pair), true);
});

test('one that restarts again before it has told all flaps', () => {
  const pair = restarting();
  tellAll(pair);
  for (let i = 0; i < 3; i++) {
    restart(pair);
    assert.equal(isHeld(pair), false, `restart ${i}`);
  }
  // That the third was none is known by now.
  restart(pair);
  assert.equal(isHeld(pair), true);
});

test('one that has not kept all that it had flaps, however it calls it', () => {
  const pair = restarting();
  tellAll(pair);
  const [, other] = pair.sides;
  const { settings } = other.neighbour;
  const families = [...gracefulRestart.families, { family: Family.ipv6Unicast, isForwarding: false }];
  other.neighbour.settings = {
    ...settings,
    capabilities: { ...settings.capabilities, gracefulRestart: { ...gracefulRestart, families } },
  };
  // The first is still one of a session that had said it of IPv4 alone.
  for (let i = 0; i < 5; i++) {
    assert.equal(isHeld(pair), false, `restart ${i}`);
    restart(pair);
    tellAll(pair);
  }
  assert.equal(isHeld(pair), true);
});
