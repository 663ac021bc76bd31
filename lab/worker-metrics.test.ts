import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sumOf } from './worker-metrics.ts';

test('samples of one name are summed, by labels where some are given', () => {
  const text = [
    '# TYPE a counter',
    'a{reason="x",thread="0"} 2',
    'a{reason="y",thread="0"} 3',
    'ab 7',
    'b 1.5e3',
    '',
  ].join('\n');
  assert.equal(sumOf(text, 'a', {}), 5);
  assert.equal(sumOf(text, 'a', { reason: 'y' }), 3);
  assert.equal(sumOf(text, 'a', { reason: 'z' }), 0);
  assert.equal(sumOf(text, 'b', {}), 1500);
});
