import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from './random.ts';

const drawn = (bytes: number): Uint8Array => {
  const into = new Uint8Array(bytes);
  systemRandom.fill(into);
  return into;
};

test('no bytes are given twice, and all values come up', () => {
  const seen = new Set<string>();
  const values = new Set<number>();
  for (let i = 0; i < 2000; i++) {
    const bytes = drawn(16);
    seen.add(Buffer.from(bytes).toString('hex'));
    for (const byte of bytes) values.add(byte);
  }
  assert.equal(seen.size, 2000);
  assert.equal(values.size, 256);
});

test('sizes that do not divide the stock, and larger ones than it gives, are filled to the last byte', () => {
  for (const bytes of [0, 1, 7, 255, 256, 257, 4096, 5000]) {
    const or = new Uint8Array(bytes);
    for (let round = 0; round < 64; round++) {
      for (const [i, byte] of drawn(bytes).entries()) or[i] = (or[i] as number) | byte;
    }
    assert.ok(or.every((byte) => byte === 0xff));
  }
});
