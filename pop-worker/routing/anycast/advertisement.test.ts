import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advertisementTo } from './advertisement.ts';

const NEIGHBOR = { prepend: 1, med: 50, communities: ['64500:3'] };
const at = (preference: number) => advertisementTo(NEIGHBOR, { isAnnounced: true, preference, isLeaving: false });

test('fully preferred, a neighbour is told what is its own', () => {
  assert.deepEqual(at(10), { ...NEIGHBOR, medAdded: 0 });
});

test('less preferred is a higher MED at each step and a path that never gets shorter', () => {
  for (let preference = 0; preference < 10; preference++) {
    assert.ok(at(preference).med > at(preference + 1).med);
    assert.ok(at(preference).prepend >= at(preference + 1).prepend);
    assert.ok(at(preference).prepend > NEIGHBOR.prepend, 'who compares no MED prefers another path too');
  }
  assert.deepEqual([at(0).med, at(0).medAdded, at(0).prepend], [1050, 1000, 4]);
});

test('a MED stays one', () => {
  const most = { ...NEIGHBOR, med: 2 ** 32 - 10 };
  const { med } = advertisementTo(most, { isAnnounced: true, preference: 0, isLeaving: false });
  assert.equal(med, 2 ** 32 - 1);
});

test('who leaves says so', () => {
  const { communities } = advertisementTo(NEIGHBOR, { isAnnounced: true, preference: 0, isLeaving: true });
  assert.deepEqual(communities, ['64500:3', '65535:0']);
});
