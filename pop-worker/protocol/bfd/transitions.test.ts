import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Diagnostic, State } from './state.ts';
import { Event, stepOf } from './transitions.ts';

const { adminDown, down, init, up } = State;
const SIGNALLED = Diagnostic.neighbourSignalledDown;
const EXPIRED = Diagnostic.detectionTimeExpired;

/** RFC 5880 §6.8.6 and §6.8.4, read off the text once more: local state, event, next state, diagnostic. */
const ROWS = [
  [adminDown, Event.adminDown, adminDown],
  [adminDown, Event.down, adminDown],
  [adminDown, Event.init, adminDown],
  [adminDown, Event.up, adminDown],
  [adminDown, Event.timer, adminDown],
  [down, Event.adminDown, down],
  [down, Event.down, init],
  [down, Event.init, up],
  [down, Event.up, down],
  [down, Event.timer, down],
  [init, Event.adminDown, down, SIGNALLED],
  [init, Event.down, init],
  [init, Event.init, up],
  [init, Event.up, up],
  [init, Event.timer, down, EXPIRED],
  [up, Event.adminDown, down, SIGNALLED],
  [up, Event.down, down, SIGNALLED],
  [up, Event.init, up],
  [up, Event.up, up],
  [up, Event.timer, down, EXPIRED],
] as const;

test('the state machine (RFC 5880 §6.2)', () => {
  assert.equal(ROWS.length, Object.values(State).length * Object.values(Event).length);
  for (const [local, event, next, diagnostic] of ROWS) {
    assert.deepEqual(stepOf(local, event), { next, diagnostic }, `${local} ${event}`);
  }
});
