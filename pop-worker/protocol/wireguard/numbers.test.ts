import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextIndex, peerOf, receiverIndex } from './receiver-index.ts';
import { compareTai64n, HybridClock, writeTai64n } from './tai64n.ts';

test('an index tells its peer, whatever its generation', () => {
  for (const peer of [0, 1, 0x7fffff, 0x800000, 0xffffff]) {
    for (const generation of [0, 255, 256]) {
      const index = receiverIndex(peer, generation);
      assert.ok(index >= 0 && index < 2 ** 32);
      assert.equal(peerOf(index), peer);
    }
  }
});

test('256 generations come in turn; those in use are left out', () => {
  const seen = new Set<number>();
  let index = receiverIndex(0xffffff, 255);
  for (let i = 0; i < 256; i++) {
    index = nextIndex(index, []);
    seen.add(index);
  }
  assert.equal(seen.size, 256);
  assert.equal(nextIndex(receiverIndex(3, 254), [receiverIndex(3, 255), undefined, receiverIndex(3, 0)]), 0x301);
});

test('a TAI64N label: 2^62, ten seconds, and nanoseconds', () => {
  const label = new Uint8Array(13);
  writeTai64n(1_700_000_000_123_456, label, 1);
  assert.equal(Buffer.from(label).toString('hex'), '00400000006553f10a075bca00');
  const later = new Uint8Array(12);
  writeTai64n(1_700_000_000_123_457, later, 0);
  assert.ok(compareTai64n(label, 1, later, 0) < 0 && compareTai64n(later, 0, label, 1) > 0);
  assert.equal(compareTai64n(later, 0, later, 0), 0);
  writeTai64n(2 ** 32 * 1e6, later, 0);
  assert.equal(Buffer.from(later).toString('hex'), '400000010000000a00000000');
});

test('labels of which only the last byte, or only the first, differs', () => {
  for (const at of [0, 11]) {
    const [a, b] = [new Uint8Array(12).fill(7), new Uint8Array(12).fill(7)];
    b[at] = 8;
    assert.ok(compareTai64n(a, 0, b, 0) < 0 && compareTai64n(b, 0, a, 0) > 0, `byte ${at}`);
  }
});

test('timestamps rise whatever the clock does, and above what another worker gave', () => {
  let now = 1_700_000_000e6;
  const clock = new HybridClock(() => now);
  const first = clock.next();
  assert.ok(first <= now && first > now - 20_000);
  for (let i = 1; i <= 100; i++) assert.equal(clock.next(), first + i, 'the clock stands');
  now -= 3600e6;
  const back = clock.next();
  assert.ok(back > first && back < first + 1e6);
  clock.observe(now + 7200e6);
  assert.ok(clock.next() > now + 7200e6);
  clock.observe(0);
  assert.ok(clock.next() > now + 7200e6);
  now += 10_000e6;
  assert.ok(Math.abs(clock.next() - now) < 20_000);
  assert.equal(clock.last, Math.floor(now / 2 ** 14) * 2 ** 14);
});
