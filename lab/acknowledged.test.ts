import assert from 'node:assert/strict';
import { test } from 'node:test';
import { missingOf, unknownOf } from './acknowledged.ts';

const before = new Map([
  ['/v1/tenants/acme', '{"id":"acme"}'],
  ['/v1/tenants/acme/devices/late', '{"id":"late","state":"ACTIVE"}'],
]);

test('what is gone and what differs is missing, what is new is unknown', () => {
  assert.deepEqual([missingOf(before, before), unknownOf(before, before)], [[], []]);
  const now = new Map([
    ['/v1/tenants/acme/devices/late', '{"id":"late","state":"REVOKED"}'],
    ['/v1/pops/moscow', '{"id":"moscow"}'],
  ]);
  assert.deepEqual(missingOf(before, now), ['/v1/tenants/acme', '/v1/tenants/acme/devices/late']);
  assert.deepEqual(unknownOf(before, now), ['/v1/pops/moscow']);
});
