import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ADDRESS_WORDS } from './address.ts';
import { Burst, D_LENGTH, D_OFFSET, D_SEGMENT, DESCRIPTOR_WORDS, MAX_MESSAGE_BYTES, MAX_SEGMENTS } from './burst.ts';

const NOBODY = new Int32Array(ADDRESS_WORDS);

test('a run becomes messages that the kernel takes, one behind the other, with nothing left out', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 65_000 }), fc.integer({ min: 1, max: 9000 }), (total, segment) => {
      const burst = new Burst(70_000, 1100);
      burst.commit(100, 0, NOBODY, 0, NOBODY, 0);
      if (total > segment * 500) return;
      assert.ok(burst.hasRoomForRun(total, segment));
      burst.commitRun(total, Math.min(segment, total), 0, NOBODY, 0, NOBODY, 0);
      assert.equal(burst.used, total + 100);
      let at = 0;
      for (let i = 0; i < burst.count; i++) {
        const word = i * DESCRIPTOR_WORDS;
        const [offset, length, each] = [D_OFFSET, D_LENGTH, D_SEGMENT].map((name) => burst.words[word + name]!);
        assert.equal(offset, at);
        assert.ok(length! <= MAX_MESSAGE_BYTES && Math.ceil(length! / each!) <= MAX_SEGMENTS);
        if (i > 1 || (i === 1 && total > segment)) assert.equal(each, Math.min(segment, length!));
        at += length!;
      }
      assert.equal(at, burst.used);
    }),
  );
});

test('there is no room without bytes, or without descriptors', () => {
  const burst = new Burst(100_000, 2);
  assert.ok(burst.hasRoomForRun(100_000, 1000));
  assert.ok(!burst.hasRoomForRun(100_001, 1000));
  assert.ok(!burst.hasRoomForRun(65_001, 500));
  assert.ok(burst.hasRoomForRun(64_000, 500));
});
