import assert from 'node:assert/strict';
import test from 'node:test';
import { REMEMBERED_US, SERIAL_BYTES, SingleUse } from './single-use.ts';

const serial = (n: number): Uint8Array => {
  const bytes = new Uint8Array(SERIAL_BYTES);
  new DataView(bytes.buffer).setUint32(12, n);
  return bytes;
};

test('a ticket brings early data once, for as long as TLS would take a copy', () => {
  const tickets = new SingleUse();
  for (const first of [0, 5, REMEMBERED_US - 1, REMEMBERED_US, 3 * REMEMBERED_US + 7]) {
    assert.equal(tickets.take(serial(first), first), true);
    for (const later of [0, 1, REMEMBERED_US / 2, REMEMBERED_US]) {
      assert.equal(tickets.take(serial(first), first + later), false, `${first} + ${later}`);
    }
  }
  assert.equal(tickets.replayed, 20);
  assert.equal(tickets.take(serial(0), 100 * REMEMBERED_US), true);
});

test('what cannot be remembered is refused, until there is room again', () => {
  const tickets = new SingleUse(3);
  const taken = [1, 2, 3, 4, 5].map((n) => tickets.take(serial(n), 10));
  assert.deepEqual(taken, [true, true, true, false, false]);
  assert.equal(tickets.full, 2);
  assert.equal(tickets.take(serial(6), REMEMBERED_US + 10), true);
  assert.equal(tickets.take(serial(1), REMEMBERED_US + 10), false);
});
