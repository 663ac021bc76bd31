import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeCapsule } from './capsules.ts';

test('a capsule is its type, its length and its parts, one behind the other (RFC 9297 §3.2)', () => {
  const capsule = (type: number, ...parts: readonly number[][]) =>
    Buffer.from(encodeCapsule(type, ...parts.map((part) => Uint8Array.from(part)))).toString('hex');
  assert.equal(capsule(0), '0000');
  assert.equal(capsule(1, [1, 2], [], [3], [4, 5]), '01050102030405');
  assert.equal(capsule(0x4000, [9]), '800040000109');
  assert.equal(encodeCapsule(0, new Uint8Array(64)).length, 1 + 2 + 64);
});
