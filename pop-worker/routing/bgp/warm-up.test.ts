import assert from 'node:assert/strict';
import { test } from 'node:test';
import { warmUp } from './warm-up.ts';

test('routes of three neighbours are told to the others and withdrawn again, and nothing is left of them', () => {
  // 200 sets of each to two others, and the End-of-RIB markers; then what is withdrawn of the first, and of the second.
  const { messages, sets } = warmUp();
  assert.ok(messages > 3 * 2 * 200 + 3, String(messages));
  assert.equal(sets, 0);
});
