import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Nonces } from './nonces.ts';
import { MAX_WORKER_NUMBER, numberedWorker, SERVER_ID_BYTES } from './server-id.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('§9.5: the counter behind the epoch carries from byte to byte, and the epoch is its first and last number too', () => {
  for (const [epoch, written] of [
    [1, '00000001'],
    [0xffff_ffff, 'ffffffff'],
  ] as const) {
    const nonces = new Nonces(8, epoch, new Uint8Array(8));
    const nonce = new Uint8Array(8);
    const made: string[] = [];
    for (let i = 0; i < 0x1_0002; i++) {
      nonces.next(nonce, 0);
      if ([0, 0xff, 0x100, 0xffff, 0x1_0000].includes(i)) made.push(hex(nonce));
    }
    const counters = ['00000000', '000000ff', '00000100', '0000ffff', '00010000'];
    assert.deepEqual(
      made,
      counters.map((counter) => written + counter),
    );
  }
});

test('a longer nonce counts no further than integers are exact, and writes nothing beside itself', () => {
  const nonces = new Nonces(12, 7, new Uint8Array(12));
  assert.equal(nonces.most, 2 ** 48);
  const buffer = new Uint8Array(16).fill(0xee);
  nonces.next(buffer, 2);
  nonces.next(buffer, 2);
  assert.equal(hex(buffer), 'eeee000000070000000000000001eeee');
});

test('server IDs of workers: five bytes of zero, the number, and a byte for the thread', () => {
  assert.equal(hex(numberedWorker(0x1234)), '00000000001234');
  assert.equal(hex(numberedWorker(MAX_WORKER_NUMBER)), '0000000000ffff');
  assert.equal(SERVER_ID_BYTES, numberedWorker(0).length + 1);
});
