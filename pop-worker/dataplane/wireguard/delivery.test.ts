import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TunDevice } from '#host/tun/device.ts';
import type { GatherBatch } from '#protocol/ip/offload.ts';
import { packet } from '#protocol/ip/testing/packets.ts';
import { P_LENGTH, P_OFFSET, PACKET_WORDS } from '#protocol/wireguard/options.ts';
import { Delivery, PACKETS_A_GO } from './delivery.ts';

/** Packets of UDP, so many one behind the other. */
const packets = (count: number): { readonly buffer: Uint8Array; readonly words: Int32Array } => {
  const one = packet();
  const buffer = new Uint8Array(count * one.length);
  const words = new Int32Array(count * PACKET_WORDS);
  for (let i = 0; i < count; i++) {
    buffer.set(one, i * one.length);
    words[i * PACKET_WORDS + P_OFFSET] = i * one.length;
    words[i * PACKET_WORDS + P_LENGTH] = one.length;
  }
  return { buffer, words };
};

test('whoever packets are for gets a turn after each 64, however they come', () => {
  let written = 0;
  const device = {
    writeGather: (_buffer: Uint8Array, { messageCount }: GatherBatch): number => {
      written += messageCount;
      return messageCount;
    },
  };
  const turns: number[] = [];
  const { buffer, words } = packets(200);
  const delivery = new Delivery(device as unknown as TunDevice, buffer, () => turns.push(written));
  delivery.add(buffer, words, 200);
  assert.deepEqual(turns, [PACKETS_A_GO, 2 * PACKETS_A_GO, 3 * PACKETS_A_GO]);
  delivery.flush();
  assert.equal(written, 200);
  // A burst at a time that is smaller.
  for (let i = 0; i < 8; i++) {
    delivery.add(buffer, words, 7);
    delivery.flush();
  }
  assert.equal(written, 256);
  assert.deepEqual(turns, [64, 128, 192, 256]);
  assert.equal(delivery.invalid, 0);
});
