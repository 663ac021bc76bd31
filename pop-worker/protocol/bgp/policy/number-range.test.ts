import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NumberSet, parseNumberRange } from './number-range.ts';

const MOST = 0xffff_ffff;

test('a number, a range and all of them; nothing else is one', () => {
  assert.deepEqual(parseNumberRange('0', MOST), { least: 0, most: 0 });
  assert.deepEqual(parseNumberRange('19', MOST), { least: 19, most: 19 });
  assert.deepEqual(parseNumberRange('7-90', MOST), { least: 7, most: 90 });
  assert.deepEqual(parseNumberRange('0-0', MOST), { least: 0, most: 0 });
  assert.deepEqual(parseNumberRange('*', 5), { least: 0, most: 5 });
  assert.deepEqual(parseNumberRange('4294967295', MOST), { least: MOST, most: MOST });
  for (const wrong of ['', '-', '-1', '1-', '01', '1-02', 'x', '1-2-3', '9-7', '4294967296', '12345678901', '1-6'])
    assert.equal(parseNumberRange(wrong, wrong === '1-6' ? 5 : MOST), undefined, wrong);
  // Without a limit: ten digits, not eleven.
  const most = Number.MAX_SAFE_INTEGER;
  assert.equal(parseNumberRange('9999999999', most)?.most, 9_999_999_999);
  assert.equal(parseNumberRange('19999999999', most), undefined);
  assert.equal(parseNumberRange('1-19999999999', most), undefined);
});

test('a set has what its ranges have, whatever their order, where they meet and where they do not', () => {
  const set = new NumberSet([
    { least: 40, most: 50 },
    { least: 2, most: 4 },
    { least: 10, most: 20 },
    { least: 5, most: 6 },
    { least: 12, most: 15 },
    { least: 8, most: 8 },
  ]);
  const wanted = (value: number): boolean =>
    (value >= 2 && value <= 6) || value === 8 || (value >= 10 && value <= 20) || (value >= 40 && value <= 50);
  for (let value = 0; value < 60; value++) assert.equal(set.has(value), wanted(value), String(value));
  assert.equal(new NumberSet([]).has(0), false);
});
