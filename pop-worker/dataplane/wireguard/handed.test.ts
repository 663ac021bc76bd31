import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf } from '#host/udp/address.ts';
import { Burst } from '#protocol/burst.ts';
import { HandedDatagrams } from './handed.ts';

const [DEVICE, QUIC, WIREGUARD] = [
  addressOf('198.51.100.7', 999),
  addressOf('192.0.2.1', 443),
  addressOf('192.0.2.1', 51_820),
];

/** A burst of datagrams to these, the n-th of n + 1 bytes. */
const burstOf = (...locals: readonly Int32Array[]): Burst => {
  const burst = new Burst(1000, 16);
  for (const [i, local] of locals.entries()) burst.commit(i + 1, 0, DEVICE, 0, local, 0);
  return burst;
};

const lengths = ({ words, count }: Burst): number[] => Array.from({ length: count }, (_, i) => words[16 * i + 1]!);

test('datagrams are told apart by the port that they came to, in their order and where they lie', () => {
  const handed = new HandedDatagrams(51_820);
  for (const [locals, own, rest] of [
    [
      [QUIC, WIREGUARD, QUIC, WIREGUARD],
      [2, 4],
      [1, 3],
    ],
    [[WIREGUARD, QUIC], [1], [2]],
    [[QUIC], [], [1]],
    [[WIREGUARD], [1], []],
    [[], [], []],
  ] as const) {
    const burst = burstOf(...locals);
    const found = handed.sortOut(burst);
    assert.deepEqual([lengths(found), lengths(burst)], [[...own], [...rest]]);
    assert.equal(found.buffer, burst.buffer);
  }
});
