import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Experiment, type ExperimentSpec } from './experiment.ts';

/** Everything that a path can do to packets at once. */
const SPEC: Omit<ExperimentSpec, 'seed'> = {
  path: {
    ...{
      mbit: 10,
      rttMs: 40,
      queueBdp: 1,
      codel: 'marks',
      loss: 0.001,
      burstLoss: { good: 2000, bad: 3 },
      jitterMs: 3,
    },
    ...{
      reorder: { share: 0.01, ms: 5 },
      ackSlotMs: 5,
      ackCompression: { share: 0.01, ms: 20 },
      policer: { mbit: 40, burstBytes: 200_000 },
    },
    steps: [{ atMs: 2000, mbit: 20 }],
  },
  flows: [{ controller: 'bbrv3' }, { controller: 'cubic', startMs: 500 }, { controller: 'newreno', rttMs: 80 }],
  seconds: 4,
  warmUpSeconds: 0,
};

/** Of every packet behind the bottleneck: when, whose, and each of its bytes. */
const digest = (seed: number): string => {
  const experiment = new Experiment({ ...SPEC, seed });
  const hash = createHash('sha256');
  let packets = 0;
  experiment.loses = ({ flow, bytes }) => {
    hash.update(`${experiment.events.now} ${flow} `).update(bytes);
    packets++;
    return false;
  };
  experiment.finish();
  assert.ok(packets > 2000, `${packets}`);
  return hash.digest('hex');
};

test('the same seed gives the same bytes at the same time, another one others', () => {
  const once = digest(1);
  assert.equal(digest(1), once);
  assert.notEqual(digest(2), once);
});
