import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IpFault } from '#protocol/ip/view.ts';
import { NatDrop } from '#protocol/nat/counters.ts';
import { LAYOUT } from '#telemetry/slots.ts';
import { DROP_REASONS, Drop, DropCounters, natReason } from './drop-reason.ts';

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

test('every reason has the number by which it is counted, faults of IP first', () => {
  const { none, ...faults } = IpFault;
  const numbered = [
    ...Object.entries(faults).map(([name, fault]) => [fault - none - 1, snake(name)] as const),
    ...Object.entries(Drop).map(([name, index]) => [index, snake(name)] as const),
  ];
  assert.deepEqual(
    numbered.sort(([a], [b]) => a - b),
    DROP_REASONS.map((reason, index) => [index, reason]),
  );
});

test('drop reasons are the labels of the metric, in the order of its series', () => {
  const series = LAYOUT.series.filter(({ spec }) => spec.name === 'cloudbridge_forward_dropped_packets_total');
  assert.deepEqual(
    series.map(({ labels }) => labels['reason']),
    DROP_REASONS,
  );
});

test('why a packet is not translated is counted by its name', () => {
  for (const [name, drop] of Object.entries(NatDrop))
    if (drop !== NatDrop.none) assert.equal(DROP_REASONS[natReason(drop)], `nat_${snake(name)}`, name);
});

test('what is counted by its number is found by its name', () => {
  const counters = new DropCounters();
  counters.count(IpFault.extensionHeader - 1);
  counters.count(Drop.offload);
  counters.count(Drop.offload);
  const counted = DROP_REASONS.map((reason) => [reason, counters.of(reason)] as const).filter(([, count]) => count > 0);
  assert.deepEqual(counted, [
    ['extension_header', 1],
    ['offload', 2],
  ]);
});
