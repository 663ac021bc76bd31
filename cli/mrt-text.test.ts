import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mrtText } from './mrt-text.ts';

test('MRT files: where, the last table, what was lost, and why the last one is not there', () => {
  assert.equal(mrtText({ directory: '/var/mrt', dropped: 0 }), '/var/mrt');
  const table = { file: '/tmp/rib.mrt', records: 4, bytes: 200 };
  assert.equal(mrtText({ directory: '', table, dropped: 0 }), 'written by `bgp dump` alone, last table of 4 records');
  assert.equal(
    mrtText({ directory: '/var/mrt', dropped: 7, lastError: 'no MRT file can be written' }),
    '/var/mrt, 7 records dropped, last: no MRT file can be written',
  );
});
