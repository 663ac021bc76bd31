import assert from 'node:assert/strict';
import test from 'node:test';
import { unexpectedSkips } from './allowed-skips.ts';

test('a skip that no row names is unexpected', () => {
  const skipped = { name: 'lab/lab.test.ts › no such test', reason: 'because' };
  assert.deepEqual(unexpectedSkips([skipped]), [skipped]);
});
