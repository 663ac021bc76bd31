import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ControlView } from '#control/describe.ts';
import { type ControlContact, ControlContactSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { controlFault, revisionFault } from './control-checks.ts';

const file = { failures: 0, failingSinceMs: undefined, fallback: undefined };
const viewOf = (silentMs: number, contact: Partial<ControlContact> = {}): ControlView => ({
  ...{ revision: 7n, fromDisk: false, silentMs, disk: { membership: file, revision: file } },
  refusedPeers: new Map(),
  previousKeyPeers: 0,
  barredEndpoints: 0,
  siteReports: 0,
  contact: create(ControlContactSchema, { connected: true, ...contact } as never),
});
const SHOWN = { control_silent_seconds: 15 };

test('silence of the control plane shows after its time, and a refused revision at once', () => {
  assert.equal(controlFault(SHOWN, undefined), undefined, 'it has none');
  assert.equal(controlFault(SHOWN, viewOf(15_000)), undefined);
  assert.equal(controlFault(SHOWN, viewOf(15_001)), 'nothing was heard of the control plane for 15 s');
  assert.equal(controlFault(SHOWN, viewOf(7_200_000)), 'nothing was heard of the control plane for 2 h');
  assert.equal(controlFault(SHOWN, viewOf(0, { refusedRevision: 'it cuts too much' })), 'it cuts too much');
});

test('a revision that ran out shows; one of too long ago is one where that is to withdraw', () => {
  const NOW = 1_800_000_000_000;
  const never = { revision_age_seconds: 0 };
  const hour = { revision_age_seconds: 3600 };
  const over = { revisionExpireTime: timestampFromMs(NOW - 60_000) };
  assert.equal(revisionFault(never, undefined, NOW), undefined);
  assert.equal(revisionFault(never, viewOf(1e9), NOW), undefined);
  assert.equal(revisionFault(never, viewOf(0, over), NOW), 'its revision ran out 60 s ago');
  assert.equal(revisionFault(hour, viewOf(3_600_000), NOW), undefined);
  assert.equal(revisionFault(hour, viewOf(3_600_001), NOW), 'desired state is of 60 min ago');
  assert.equal(revisionFault(hour, viewOf(0, over), NOW), undefined, 'the time of day withdraws nothing');
});
