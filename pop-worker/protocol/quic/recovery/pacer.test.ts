import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NewReno } from '#protocol/congestion/newreno.ts';
import { Pacer } from './pacer.ts';

function paced(rate: number, quantum: number): { pacer: Pacer; controller: NewReno } {
  const controller = new NewReno({ maxDatagramBytes: 1200, random: () => 0 });
  controller.pacingRate = rate;
  controller.sendQuantum = quantum;
  return { pacer: new Pacer(controller, 1200, 0), controller };
}

test('ten datagrams may leave at once, then a quantum at a time', () => {
  const { pacer } = paced(1_000_000, 4800);
  for (let i = 0; i < 10; i++) {
    assert.equal(pacer.delayUntil(0, 1200), 0);
    pacer.onSent(0, 1200);
  }
  assert.equal(pacer.delayUntil(0, 1200), 4800, 'a whole quantum at 1 byte a microsecond');
  assert.equal(pacer.delayUntil(1200, 1200), 3600, 'though one packet would fit');
  for (let i = 0; i < 4; i++) {
    assert.equal(pacer.delayUntil(4800, 1200), 0);
    pacer.onSent(4800, 1200);
  }
  assert.equal(pacer.delayUntil(4800, 1200), 4800);
});

test('without a rate nothing is held back', () => {
  const { pacer } = paced(Number.POSITIVE_INFINITY, 12_000);
  for (let i = 0; i < 100; i++) {
    assert.equal(pacer.delayUntil(0, 1200), 0);
    pacer.onSent(0, 1200);
  }
});

test('a request beyond two quanta is not held back for ever', () => {
  const { pacer } = paced(1_000_000, 2400);
  pacer.onSent(0, 12_000);
  const delay = pacer.delayUntil(0, 65_536);
  assert.ok(delay <= 4800);
  assert.equal(pacer.delayUntil(delay, 65_536), 0);
});

test('what leaves unasked is owed, but not without end', () => {
  const { pacer } = paced(1_000_000, 2400);
  for (let i = 0; i < 100; i++) pacer.onSent(0, 1200);
  assert.equal(pacer.delayUntil(0, 1200), 2400 + 4800);
});

test('in any interval no more leaves than the rate gives and two quanta', () => {
  const args = fc.record({
    rate: fc.integer({ min: 10_000, max: 1_000_000_000 }),
    quantum: fc.integer({ min: 2400, max: 65_536 }),
    waits: fc.array(fc.nat(3000), { minLength: 1, maxLength: 80, size: 'max' }),
  });
  fc.assert(
    fc.property(args, ({ rate, quantum, waits }) => {
      const { pacer } = paced(rate, quantum);
      pacer.onSent(0, 12_000);
      // A bucket that leaks at the rate: its level is the excess over the rate in the worst interval that ends now.
      let level = 0;
      let now = 1;
      for (const wait of waits) {
        now += wait;
        level = Math.max(0, level - (wait * rate) / 1e6);
        while (pacer.delayUntil(now, 1200) === 0) {
          pacer.onSent(now, 1200);
          level += 1200;
          assert.ok(level <= 2 * quantum + 1, `${level} bytes more than the rate by ${now}`);
        }
      }
    }),
  );
});

test('a sender that asks in time reaches the rate', () => {
  const { pacer } = paced(50_000_000 / 8, 6250);
  let now = 0;
  let sent = 0;
  while (now < 1_000_000) {
    const delay = pacer.delayUntil(now, 1250);
    now += delay;
    if (delay > 0) continue;
    pacer.onSent(now, 1250);
    sent += 1250;
  }
  assert.ok(Math.abs(sent / (50_000_000 / 8) - 1) < 0.01);
});
