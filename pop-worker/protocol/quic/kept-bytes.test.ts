import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { KEPT_BLOCK_BYTES, KeptBytes } from './kept-bytes.ts';

const room = (blocks: readonly Uint8Array[]): number => blocks.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);

test('bytes come out as they went in, cut anywhere, in few blocks of twice their room at most', () => {
  const all = randomBytes(200_000);
  for (const most of [1, 2, 3, 100, 1200, 5000, 70_000]) {
    const kept = new KeptBytes();
    for (let at = 0; at < all.length; ) {
      const to = Math.min(all.length, at + 1 + ((at * 7919 + most) % most));
      kept.add(all, at, to);
      at = to;
    }
    assert.equal(kept.bytes, all.length);
    const blocks = kept.take();
    assert.deepEqual(Buffer.concat(blocks), all, `${most}`);
    assert.ok(blocks.length <= 14 + all.length / KEPT_BLOCK_BYTES, `${most}: ${blocks.length} blocks`);
    assert.ok(room(blocks) <= 2 * all.length, `${most}: ${room(blocks)} bytes`);
    assert.deepEqual([kept.bytes, kept.take()], [0, []]);
  }
});

test('what was taken does not change when more is kept, and a lone piece is an exact copy', () => {
  const kept = new KeptBytes();
  const lent = Uint8Array.of(0, 1, 2, 3);
  kept.add(lent, 1, 3);
  lent.fill(9);
  const [first] = kept.take();
  kept.add(lent, 0, 4);
  kept.add(lent, 0, 0);
  assert.deepEqual(first, Uint8Array.of(1, 2));
  assert.equal(first?.buffer.byteLength, 2);
  assert.deepEqual(kept.take(), [Uint8Array.of(9, 9, 9, 9)]);
});
