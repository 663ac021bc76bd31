import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from '../contract.ts';
import { Advice, type Verdict } from './advice.ts';
import { State } from './state.ts';

const { adminDown, down, init, up } = State;
const ROUTING = { hasOwnLiveness: true, patienceUs: 0 };
const STATIC_ROUTE = { hasOwnLiveness: false, patienceUs: 0 };

/** States of both ends, one after the other, and what a client is told at each. */
const told = (options: typeof ROUTING, ...states: readonly (readonly [State, State])[]): Verdict[] => {
  const advice = new Advice(options);
  return states.map(([local, remote]) => advice.onChange(local, remote, 0));
};

test('a session that comes up does not disturb its clients before (RFC 5882 §3.3)', () => {
  for (const options of [ROUTING, STATIC_ROUTE]) {
    assert.deepEqual(
      told(options, [down, adminDown], [down, down], [init, down], [down, down], [init, down], [up, up]),
      [...['none', 'none', 'none', 'none', 'none'], 'working'],
    );
  }
});

test('a session that was Up and is Down has failed, once (RFC 5882 §4.2)', () => {
  for (const options of [ROUTING, STATIC_ROUTE]) {
    assert.deepEqual(told(options, [up, up], [down, down], [init, down], [down, down], [up, up], [down, up]), [
      ...['working', 'failed', 'none', 'none'],
      ...['working', 'failed'],
    ]);
  }
});

test('AdminDown at either end is no failure to who notices failures itself, and is one to others (RFC 5882 §3.2)', () => {
  const ends = [
    [down, adminDown],
    [adminDown, up],
  ] as const;
  for (const end of ends) {
    assert.deepEqual(told(ROUTING, [up, up], end, [down, down], [up, up]), ['working', 'none', 'none', 'working']);
    assert.deepEqual(told(STATIC_ROUTE, [up, up], end, [up, up]), ['working', 'failed', 'working']);
  }
});

test('a failure that is over in time is not told, one that is not is (RFC 5882 §3.1)', () => {
  const advice = new Advice({ hasOwnLiveness: true, patienceUs: 100 });
  assert.equal(advice.onChange(up, up, 0), 'working');
  assert.equal(advice.onChange(down, down, 1000), 'none');
  assert.equal(advice.deadline, 1100);
  assert.equal(advice.onChange(init, down, 1050), 'none');
  assert.equal(advice.deadline, 1100, 'counted from the first');
  assert.equal(advice.onTime(1099), 'none');
  assert.equal(advice.onChange(up, init, 1099), 'none');
  assert.equal(advice.deadline, NEVER);
  assert.equal(advice.onTime(5000), 'none');
  assert.equal(advice.onChange(down, down, 6000), 'none');
  assert.equal(advice.onTime(6100), 'failed');
  assert.deepEqual([advice.deadline, advice.onTime(9000)], [NEVER, 'none']);
  assert.equal(advice.onChange(up, up, 9000), 'working');
});

test('AdminDown ends the wait for a failure', () => {
  const advice = new Advice({ hasOwnLiveness: true, patienceUs: 100 });
  advice.onChange(up, up, 0);
  advice.onChange(down, down, 10);
  advice.onChange(down, adminDown, 20);
  assert.deepEqual([advice.deadline, advice.onTime(200)], [NEVER, 'none']);
});

test('when an adjacency may be established (RFC 5882 §4.1)', () => {
  const may = (local: State, remote: State, isWilling: boolean): boolean => {
    const advice = new Advice(ROUTING);
    advice.onChange(local, remote, 0);
    return advice.mayEstablish(isWilling);
  };
  for (const isWilling of [true, false]) {
    assert.equal(may(up, up, isWilling), true);
    assert.equal(may(adminDown, down, isWilling), true);
    assert.equal(may(down, adminDown, isWilling), true);
  }
  assert.deepEqual([may(down, down, true), may(init, down, true)], [false, false]);
  assert.deepEqual([may(down, down, false), may(init, down, false)], [true, true]);
  assert.equal(new Advice(ROUTING).mayEstablish(true), false, 'nothing is known yet');
});
