import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CeaseSubcode } from '../errors.ts';
import { cease } from '../wire/cease.ts';
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
