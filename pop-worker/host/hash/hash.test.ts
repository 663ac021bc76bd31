import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { systemHash } from './hash.ts';

const BYTES = { md5: 16, sha1: 20 } as const;

test('hashes are those of node:crypto, of any part, to any place', () => {
  const parts = fc.record({
    algorithm: fc.constantFrom('md5' as const, 'sha1' as const),
    bytes: fc.uint8Array({ maxLength: 200 }),
    at: fc.nat(200),
    length: fc.nat(200),
    intoAt: fc.nat(40),
  });
  fc.assert(
    fc.property(parts, ({ algorithm, bytes, at, length, intoAt }) => {
      const into = new Uint8Array(40).fill(0xaa);
      const digest = () => systemHash.digest(algorithm, bytes, at, length, into, intoAt);
      if (at + length > bytes.length || intoAt + BYTES[algorithm] > into.length) {
        assert.throws(digest, RangeError);
        assert.ok(into.every((byte) => byte === 0xaa));
        return;
      }
      digest();
      const expected = new Uint8Array(40).fill(0xaa);
      expected.set(
        createHash(algorithm)
          .update(bytes.subarray(at, at + length))
          .digest(),
        intoAt,
      );
      assert.deepEqual(into, expected);
    }),
  );
});

test('a hash may replace what it is of', () => {
  const bytes = new Uint8Array(24).fill(7);
  const expected = createHash('sha1').update(bytes).digest();
  systemHash.digest('sha1', bytes, 0, 24, bytes, 4);
  assert.deepEqual(Buffer.from(bytes.subarray(4)), expected);
});
