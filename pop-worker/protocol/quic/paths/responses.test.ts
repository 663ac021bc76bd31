import assert from 'node:assert/strict';
import test from 'node:test';
import { pattern } from '../testing/sinks.ts';
import { MAX_RESPONSES, PathResponses } from './responses.ts';

test('RFC 9000 §8.2.2: each challenge is answered once, up to eight that wait', () => {
  const responses = new PathResponses();
  const challenges = Array.from({ length: MAX_RESPONSES }, (_, i) => pattern(8, i + 1));
  for (const data of challenges) assert.ok(responses.push(Uint8Array.of(0, ...data, 0), 1));
  assert.equal(responses.push(pattern(8, 99), 0), false);
  const answered: Uint8Array[] = [];
  while (responses.pending) answered.push(responses.take().slice());
  assert.deepEqual(answered.reverse(), challenges);
  assert.ok(responses.push(pattern(8, 99), 0));
});
