import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SiteHealth } from './site-health.ts';

const SECOND = 1_000_000;
const HEARD = { isHeard: true, isAnswered: false };
const ANSWERED = { isHeard: true, isAnswered: true };
const SILENCE = { isHeard: false, isAnswered: false };

/** Tells it what was seen, second by second from `from` on. @returns its state after each */
const run = (health: SiteHealth, seconds: readonly Parameters<SiteHealth['second']>[0][], from = 0): string =>
  seconds
    .map((second, i) => {
      const { asks, handshake } = health.second(second, (from + i) * SECOND);
      return `${health.state[0]}${asks ? '?' : ''}${handshake ? '!' : ''}`;
    })
    .join(' ');

const times = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

test('a silent device is asked each second, for a handshake after three, and given up after five', () => {
  const health = new SiteHealth(false, 0);
  assert.equal(run(health, [HEARD, ...times(6, SILENCE)]), 'r r? r? r?! r? l? l?');
  assert.equal(run(health, [HEARD, HEARD, HEARD, SILENCE]), 'l l r r?', 'three good seconds bring it back');
});

test('what comes and goes before three good seconds have passed does not come back', () => {
  const health = new SiteHealth(false, 0);
  run(health, times(5, SILENCE));
  assert.equal(run(health, [HEARD, HEARD, ...times(5, SILENCE), HEARD, HEARD]), 'l l r? r? r?! r? l? l l');
  assert.equal(run(new SiteHealth(false, 0), times(200, SILENCE)).match(/!/g)?.length, 3, 'asked on, seldom');
});

test('a site that is asked is lost until it answers, at once there then, and lost with the fourth missing answer', () => {
  const health = new SiteHealth(true, 0);
  assert.equal(health.state, 'lost');
  assert.equal(run(health, [HEARD]), 'l');
  health.answered(SECOND);
  assert.equal(health.state, 'reached');
  assert.equal(run(health, [ANSWERED, HEARD, HEARD, HEARD, HEARD]), 'r r r r l', 'its router is there all the same');
  health.answered(9 * SECOND);
  assert.equal(health.state, 'lost');
  assert.equal(run(health, times(3, ANSWERED)), 'l l r');
});

test('three losses in a minute make it the last choice for half a minute', () => {
  const health = new SiteHealth(false, 0);
  for (const from of [0, 10, 20]) run(health, [...times(5, SILENCE), ...times(3, HEARD)], from);
  assert.equal(health.state, 'held');
  assert.equal(run(health, [HEARD], 53), 'h');
  assert.equal(run(health, [HEARD], 55), 'r');
});
