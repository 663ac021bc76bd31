import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type WorkerAnswer, workerRows } from './rows.ts';

const NOW_MS = Date.parse('2026-11-28T12:00:00Z');
const ANSWER: WorkerAnswer = {
  pop: 'moscow',
  worker: 'w1',
  version: '1.2.3',
  state: 'draining',
  orders: { controlPlane: 'drain', local: 'withdraw' },
  healthy: true,
  upSeconds: 90,
  sessions: 3,
  connections: 4,
  tenants: 2,
};

const textOf = (answer: WorkerAnswer): Record<string, string> => Object.fromEntries(workerRows(answer, NOW_MS));

test('a worker without control plane, and who ordered what', () => {
  const text = textOf(ANSWER);
  assert.equal(text['orders'], 'drain by the control plane, withdraw at its machine');
  assert.equal(text['up for'], '90 s');
  assert.match(text['control plane'] ?? '', /^none/);
  assert.equal(textOf({ ...ANSWER, orders: { controlPlane: 'serve', local: 'serve' } })['orders'], 'none');
});

test('what it knows of its control plane, at its best and at its worst', () => {
  const best = textOf({
    ...ANSWER,
    control: {
      revision: '12',
      fromDisk: false,
      connected: true,
      since: '2026-11-28T11:00:00Z',
      lastContactTime: '2026-11-28T11:59:57Z',
      membershipTime: '2026-11-28T11:59:57Z',
      revisionExpireTime: '2026-12-05T12:00:00Z',
      futureField: true,
    },
  });
  assert.equal(best['control plane'], 'connected for 60 min');
  assert.equal(best['last contact'], '3 s ago');
  assert.equal(best['membership'], 'as of 3 s ago');
  assert.equal(best['revision'], '12, runs out in 7 d');
  assert.deepEqual([best['refused revisions'], best['last error']], ['0', 'none']);
  assert.equal('newest refused' in best, false);
  const worst = textOf({
    ...ANSWER,
    control: {
      revision: '12',
      fromDisk: true,
      connected: false,
      since: '2026-11-28T11:58:00Z',
      revisionExpireTime: '2026-11-26T12:00:00Z',
      refusedRevisions: { signature: 2, older: 1 },
      refusedRevision: 'the signature of the revision is wrong',
      lastError: 'connection refused',
      lastErrorTime: '2026-11-28T11:59:00Z',
    },
  });
  assert.equal(worst['control plane'], 'not connected for 2 min');
  assert.deepEqual([worst['last contact'], worst['membership']], ['never', 'not known yet']);
  assert.equal(worst['revision'], '12 from disk, ran out 2 d ago');
  assert.equal(worst['refused revisions'], '2 signature, 1 older');
  assert.equal(worst['newest refused'], 'the signature of the revision is wrong');
  assert.equal(worst['last error'], 'connection refused (60 s ago)');
  assert.equal(textOf({ ...ANSWER, control: { revision: '0', fromDisk: false } })['revision'], 'none yet');
});
