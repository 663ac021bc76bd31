import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRejected, Keypair, Keypairs } from './keypairs.ts';
import { REJECT_AFTER_US, REKEY_AFTER_US } from './limits.ts';
import type { Identity, TransportPort } from './ports.ts';

const OWN: Identity = { publicKey: new Uint8Array(32), forget: () => {} };

/** Keypairs by the numbers they were made with, and which of them were wiped. */
const scene = () => {
  const wiped: number[] = [];
  const transport: TransportPort = { seal: () => {}, open: () => {}, forget: (key) => wiped.push(key) };
  const pairs = new Keypairs(transport);
  const make = (number: number): Keypair =>
    new Keypair(number, 0, { keys: { send: 10 * number, receive: 10 * number + 1 }, own: OWN }, true, 0);
  const held = () => [pairs.previous?.index, pairs.current?.index, pairs.next?.index];
  return { pairs, make, held, wiped };
};

test('sessions that we begin: the one before still receives', () => {
  const { pairs, make, held, wiped } = scene();
  for (const number of [1, 2, 3]) pairs.addInitiated(make(number));
  assert.deepEqual(
    [held(), wiped],
    [
      [2, 3, undefined],
      [10, 11],
    ],
  );
});

test('sessions that we answer: they send once something came with them', () => {
  const { pairs, make, held, wiped } = scene();
  const [first, second] = [make(1), make(2)];
  pairs.addResponded(first);
  assert.deepEqual(held(), [undefined, undefined, 1]);
  assert.equal(pairs.confirm(first), true);
  assert.equal(pairs.confirm(first), false);
  pairs.addResponded(second);
  assert.deepEqual(held(), [undefined, 1, 2]);
  pairs.addResponded(make(3));
  assert.deepEqual(
    [held(), wiped],
    [
      [undefined, 1, 3],
      [20, 21],
    ],
  );
  assert.equal(pairs.confirm(second), false, 'it is gone');
});

test('what both begin at once: ours is current, theirs still receives', () => {
  const { pairs, make, held, wiped } = scene();
  pairs.addInitiated(make(1));
  pairs.addResponded(make(2));
  pairs.addInitiated(make(3));
  assert.deepEqual(
    [held(), wiped],
    [
      [2, 3, undefined],
      [10, 11],
    ],
  );
  for (const index of [2, 3]) assert.equal(pairs.byIndex(index)?.index, index);
  assert.equal(pairs.byIndex(1), undefined);
  pairs.forget();
  assert.deepEqual([held(), wiped.length], [[undefined, undefined, undefined], 6]);
});

test('only the initiator looks at the clock; nobody sends or takes after 180 s', () => {
  const initiator = new Keypair(1, 0, { keys: { send: 0, receive: 1 }, own: OWN }, true, 1000);
  const responder = new Keypair(1, 0, { keys: { send: 0, receive: 1 }, own: OWN }, false, 1000);
  assert.equal(initiator.isStale(999 + REKEY_AFTER_US), false);
  assert.equal(initiator.isStale(1000 + REKEY_AFTER_US), true);
  assert.equal(responder.isStale(1000 + REKEY_AFTER_US), false);
  assert.deepEqual(
    [responder.maySend(999 + REJECT_AFTER_US), responder.maySend(1000 + REJECT_AFTER_US)],
    [true, false],
  );
});

test('counters go from word to word, up to 2^60 for a new session and 2^64 - 2^13 - 1 for the end', () => {
  const keypair = new Keypair(1, 0, { keys: { send: 0, receive: 1 }, own: OWN }, false, 0);
  keypair.sendLow = 0xffff_ffff;
  keypair.countSent();
  assert.deepEqual([keypair.sendHigh, keypair.sendLow], [1, 0]);
  keypair.sendHigh = 2 ** 28;
  assert.equal(keypair.isStale(0), false);
  keypair.countSent();
  assert.equal(keypair.isStale(0), true);
  const [high, low] = [0xffff_ffffn, 0xffff_dfffn];
  assert.equal((high << 32n) + low, 2n ** 64n - 2n ** 13n - 1n);
  assert.deepEqual([isRejected(0xffff_ffff, 0xffff_dffe), isRejected(0xffff_ffff, 0xffff_dfff)], [false, true]);
  assert.equal(isRejected(0xffff_fffe, 0xffff_ffff), false);
});
