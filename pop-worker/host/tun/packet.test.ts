import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sumWords } from '#protocol/ip/checksum.ts';
import { GsoType, NEEDS_CHECKSUM } from '#protocol/ip/offload.ts';
import { TUN_WORDS, VnetGso } from './native.ts';
import { TunPacket } from './packet.ts';

/** Two descriptors; of the second: offset, length, flags, type, header bytes, size, where checksums begin and lie. */
const DESCRIPTORS = Int32Array.of(
  ...new Array<number>(TUN_WORDS).fill(99),
  ...[7, 8, NEEDS_CHECKSUM, VnetGso.tcp6 | VnetGso.ecn, 60, 1300, 40, 16],
);

test('a descriptor is read, its ECN bit left out, and written as it can be read again', () => {
  const buffer = new Uint8Array(20);
  const packet = new TunPacket();
  packet.set(buffer, 7, 15, DESCRIPTORS, TUN_WORDS);
  const said = {
    ...{ buffer, start: 7, end: 15, flags: NEEDS_CHECKSUM, gsoType: GsoType.tcp6, gsoSize: 1300 },
    ...{ checksumStart: 40, checksumOffset: 16 },
  };
  assert.deepEqual({ ...packet }, said);
  assert.ok(packet.isLarge);
  const words = new Int32Array(16);
  packet.writeWords(words, 2);
  packet.set(buffer, 0, 0, new Int32Array(TUN_WORDS), 0);
  assert.ok(!packet.isLarge);
  packet.set(buffer, 7, 15, words, 2);
  assert.deepEqual({ ...packet }, said);
});

test('a checksum that was left to do is completed where the header says, inside the packet only', () => {
  const buffer = Uint8Array.of(9, 9, 1, 2, 3, 4, 0, 0, 9, 9);
  const packet = Object.assign(new TunPacket(), { buffer, start: 2, end: 8, checksumStart: 2, checksumOffset: 2 });
  assert.ok(packet.completeChecksum(sumWords));
  assert.deepEqual([...buffer.subarray(2, 8)], [1, 2, 3, 4, 0, 0], 'nothing was left to do');
  packet.flags = NEEDS_CHECKSUM;
  for (const [checksumStart, checksumOffset] of [
    [2, 3],
    [5, 0],
    [-3, 0],
    [2, -1],
  ] as const) {
    Object.assign(packet, { checksumStart, checksumOffset });
    assert.ok(!packet.completeChecksum(sumWords), `${checksumStart} ${checksumOffset}`);
  }
  assert.deepEqual([...buffer], [9, 9, 1, 2, 3, 4, 0, 0, 9, 9]);
  Object.assign(packet, { checksumStart: 2, checksumOffset: 2 });
  assert.ok(packet.completeChecksum(sumWords));
  assert.deepEqual([...buffer], [9, 9, 1, 2, 3, 4, 0xfc, 0xfb, 9, 9]);
});
