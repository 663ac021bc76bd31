import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sum } from './sum.ts';

let ready = false;

describe('sums', () => {
  before(() => {
    ready = true;
  });
  after(() => {
    ready = false;
  });
  test('of nothing', () => assert.equal(sum([]), 0));
  test('of some, later', async (t) => {
    t.after(() => assert.ok(ready));
    await Promise.resolve();
    assert.equal(sum([1, 2, 3]), 6);
  });
  test('that is skipped', { skip: 'always' }, () => assert.fail());
});
