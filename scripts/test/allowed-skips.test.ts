import assert from 'node:assert/strict';
import test from 'node:test';
import { unexpectedSkips } from './allowed-skips.ts';

test('a skip that no row names is unexpected', () => {
  const skipped = { name: 'lab/lab.test.ts › no such test', reason: 'because' };
  assert.deepEqual(unexpectedSkips([skipped]), [skipped]);
});

test('a row allows its test to be skipped for its reason, not for another', () => {
  const name =
    'pop-worker/host/tun/device.test.ts › UDP segmentation offload: a run of datagrams is one packet, out and back';
  assert.deepEqual(unexpectedSkips([{ name, reason: 'the kernel has no USO on TUN (Linux 6.2)' }]), []);
  assert.equal(unexpectedSkips([{ name, reason: 'too slow' }]).length, 1);
});
