import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Changes } from './changes.ts';
import { RtrError, RtrErrorCode } from './errors.ts';
import { KEY } from './testing/cache.ts';
import { VrpTable } from './vrp-table.ts';
import type { PrefixRecord } from './wire/prefix.ts';

/** All bits of an address count, and each record is another. */
const record = (i: number, isAnnounced = true): PrefixRecord => {
  const bits = i % 2 === 0 ? 32 : 128;
  const address = bits === 32 ? Uint32Array.of(0xc000_0000 + i, 0, 0, 0) : Uint32Array.of(0x2001_0db8, i, 7 * i, ~i);
  return { isAnnounced, bits, address, length: bits, maxLength: bits, as: 4_200_000_000 + i };
};

const states = (table: VrpTable, count: number): number[] =>
  Array.from({ length: count }, (_, i) => {
    const { bits, address, length, as } = record(i);
    return table.state(bits, address, length, as);
  });

test('however many there are, all are done as they came, and their memory is not kept', () => {
  const changes = new Changes();
  const table = new VrpTable(KEY);
  const empty = changes.memory;
  for (let i = 0; i < 20_000; i++) changes.push(record(i));
  assert.equal(changes.count, 20_000);
  changes.applyTo(table);
  assert.equal(table.size, 20_000);
  assert.ok(states(table, 20_000).every((state) => state === 1));
  assert.ok(changes.memory >= 20_000 * 24 && changes.memory <= 40_000 * 24);
  changes.clear();
  assert.deepEqual([changes.count, changes.memory], [0, empty]);
  for (let i = 0; i < 200; i++) changes.push(record(i, false));
  const some = changes.memory;
  changes.applyTo(table);
  changes.clear();
  assert.equal(changes.memory, some, 'that of small ones is');
  assert.ok(states(table, 200).every((state) => state === 0));
  assert.equal(table.size, 19_800);
});

test('what cannot be done leaves the table as it was', () => {
  const table = new VrpTable(KEY);
  const first = new Changes();
  for (let i = 0; i < 100; i++) first.push(record(i));
  first.applyTo(table);
  const before = states(table, 200);
  for (const [bad, code] of [
    [record(50), RtrErrorCode.duplicateAnnouncement],
    [record(150, false), RtrErrorCode.withdrawalOfUnknown],
  ] as const) {
    const changes = new Changes();
    for (let i = 0; i < 40; i++) changes.push(record(i, false));
    for (let i = 100; i < 140; i++) changes.push(record(i));
    changes.push(bad);
    changes.push(record(199));
    assert.throws(
      () => changes.applyTo(table),
      (error) => error instanceof RtrError && error.code === code && error.fault === 'remote',
    );
    assert.deepEqual(states(table, 200), before);
    assert.equal(table.size, 100);
  }
});
