import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIpAddress } from '#protocol/ip/text.ts';
import { RateLimit } from './rate-limit.ts';

const address = (text: string): Uint8Array => parseIpAddress(text) as Uint8Array;
const KEY = Uint8Array.from({ length: 16 }, (_, i) => i * 7);

test('a network gets so many responses a second, then every second one shortened, and others are not concerned', () => {
  const limit = new RateLimit(KEY, 10);
  const take = (to: string, now: number, count: number) =>
    Array.from({ length: count }, () => limit.take(address(to), now));
  assert.deepEqual(new Set(take('192.0.2.1', 0, 10)), new Set(['send']));
  // Its neighbours in the /24 are of the same network.
  assert.deepEqual(take('192.0.2.200', 0, 4), ['drop', 'slip', 'drop', 'slip']);
  assert.deepEqual(take('192.0.3.1', 0, 1), ['send']);
  assert.deepEqual(new Set(take('2001:db8:0:ff::1', 0, 10)), new Set(['send']));
  assert.deepEqual(take('2001:db8:0:80::2', 0, 1), ['drop'], 'the same /56');
  assert.deepEqual(take('2001:db8:0:100::2', 0, 1), ['send']);
  assert.deepEqual(take('192.0.2.1', 100_000, 2), ['send', 'drop'], 'a tenth of a second later: one more');
  // A second's worth is all that is saved up, however long nobody asked.
  assert.equal(take('192.0.2.1', 3600e6, 20).filter((verdict) => verdict === 'send').length, 10);
});

test('no limit is none', () => {
  const limit = new RateLimit(KEY, 0);
  for (let i = 0; i < 1000; i++) assert.equal(limit.take(address('192.0.2.1'), 0), 'send');
});
