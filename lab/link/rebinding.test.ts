import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Rebinding } from './rebinding.ts';

/** IPv4 and UDP with a right checksum, from and to these ports. */
const datagram = (source: number, destination: number): Uint8Array => {
  const packet = Uint8Array.of(
    0x45,
    0,
    0,
    30,
    0,
    0,
    0,
    0,
    64,
    17,
    0,
    0,
    192,
    0,
    2,
    1,
    192,
    0,
    2,
    2,
    0,
    0,
    0,
    0,
    0,
    10,
    0,
    0,
    1,
    2,
  );
  packet.set([source >> 8, source & 255, destination >> 8, destination & 255], 20);
  const sum = checksum(packet);
  packet.set([sum >> 8, sum & 255], 26);
  return packet;
};

/** Of the UDP datagram with its pseudo-header (RFC 768); 0 over one that is right. */
const checksum = (packet: Uint8Array): number => {
  let sum = 17 + 10;
  for (let i = 12; i < packet.length; i += 2) sum += ((packet[i] as number) << 8) | (packet[i + 1] as number);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
};

const portsOf = (packet: Uint8Array): number[] =>
  [20, 22].map((at) => ((packet[at] as number) << 8) | (packet[at + 1] as number));

test('nothing is changed until it forgets', () => {
  const nat = new Rebinding();
  const packet = datagram(5000, 443);
  nat.outward(packet);
  assert.deepEqual(packet, datagram(5000, 443));
  assert.ok(nat.inward(datagram(443, 5000)));
});

test('then ports are others, checksums right, and the old ones lead nowhere', () => {
  const nat = new Rebinding();
  for (const port of [5000, 0xffff, 1]) nat.outward(datagram(port, 443));
  nat.rebind();
  for (const [port, seen] of [
    [5000, 5001],
    [0xffff, 0],
    [1, 2],
  ] as const) {
    const packet = datagram(port, 443);
    nat.outward(packet);
    assert.deepEqual(portsOf(packet), [seen, 443]);
    assert.equal(checksum(packet), 0);
    const answer = datagram(443, seen);
    assert.ok(nat.inward(answer));
    assert.deepEqual(answer, datagram(443, port));
  }
  assert.equal(nat.inward(datagram(443, 5000)), false);
});

test('what is not UDP, and what has no checksum, goes through', () => {
  const nat = new Rebinding();
  const [tcp, bare] = [datagram(5000, 443), datagram(5000, 443)];
  tcp[9] = 6;
  bare.fill(0, 26, 28);
  nat.rebind();
  const before = tcp.slice();
  nat.outward(tcp);
  nat.outward(bare);
  assert.deepEqual(tcp, before);
  assert.ok(nat.inward(before));
  assert.deepEqual([...bare.subarray(20, 28)], [0x13, 0x89, 1, 187, 0, 10, 0, 0]);
});

/** The answer to a datagram, as the other end sends it. */
const answered = (packet: Uint8Array): Uint8Array => {
  const answer = packet.slice();
  answer.set(packet.subarray(16, 20), 12);
  answer.set(packet.subarray(12, 16), 16);
  answer.set(packet.subarray(22, 24), 20);
  answer.set(packet.subarray(20, 22), 22);
  return answer;
};

test('addresses can be others as well: the header is right, the way back is found, the old address leads nowhere', () => {
  const nat = new Rebinding();
  const before = datagram(5000, 443);
  before.set(headerChecksum(before), 10);
  nat.outward(before);
  const old = answered(before);
  nat.rebind(true);
  const packet = before.slice();
  nat.outward(packet);
  assert.deepEqual([...packet.subarray(12, 16)], [192, 0, 2, 2]);
  assert.deepEqual(portsOf(packet), [5001, 443]);
  assert.equal(checksum(packet), 0);
  assert.deepEqual([...headerChecksum(packet)], [0, 0]);
  const answer = answered(packet);
  assert.ok(nat.inward(answer));
  assert.deepEqual(answer, answered(before));
  assert.equal(nat.inward(old), false);
});

/** Of the IPv4 header (RFC 791 §3.1); 0 over one that is right. */
const headerChecksum = (packet: Uint8Array): Uint8Array => {
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += ((packet[i] as number) << 8) | (packet[i + 1] as number);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return Uint8Array.of((~sum >> 8) & 255, ~sum & 255);
};
