import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packet } from '#protocol/ip/testing/packets.ts';
import { IpFault, IpView, Protocol } from '#protocol/ip/view.ts';
import { P_LENGTH, P_OFFSET } from '#protocol/wireguard/options.ts';
import { ERRORS_A_SECOND, Unreachable } from './unreachable.ts';

const told = () => {
  const packets: Uint8Array[] = [];
  const errors = new Unreachable((buffer, words, count) => {
    assert.equal(count, 1);
    const at = words[P_OFFSET]!;
    packets.push(buffer.slice(at, at + words[P_LENGTH]!));
  });
  return { packets, errors };
};

test('who sends where nobody is hears of it by ICMP, in the name of where it wanted to go, over both families', () => {
  for (const [source, destination, protocol, code] of [
    ['10.9.0.1', '10.9.0.3', Protocol.icmp, [3, 1]],
    ['fd00::1', 'fd00::3', Protocol.icmp6, [1, 3]],
  ] as const) {
    const { packets, errors } = told();
    const sent = packet({ source, destination });
    const buffer = new Uint8Array(7 + sent.length);
    buffer.set(sent, 7);
    errors.tell(buffer, 7, sent.length, 1e6);
    const [error] = packets as [Uint8Array];
    const view = new IpView();
    assert.equal(view.parse(error, 0, error.length), IpFault.none);
    const was = new IpView();
    was.parse(sent, 0, sent.length);
    const at = (bytes: Uint8Array, from: number): Uint8Array => bytes.subarray(from, from + view.addressBytes);
    assert.deepEqual(at(error, view.sourceAt), at(sent, was.destinationAt));
    assert.deepEqual(at(error, view.destinationAt), at(sent, was.sourceAt));
    assert.equal(view.protocol, protocol);
    assert.deepEqual([...error.subarray(view.payloadAt, view.payloadAt + 2)], code);
    // An error about an error, and what is no packet.
    errors.tell(error, 0, error.length, 1e6);
    errors.tell(new Uint8Array(40), 0, 40, 1e6);
    assert.equal(packets.length, 1);
  }
});

test('of a flood a hundred a second are told', () => {
  const { packets, errors } = told();
  const sent = packet({ source: '10.9.0.1', destination: '10.9.0.3' });
  for (let i = 0; i < 1000; i++) errors.tell(sent, 0, sent.length, 5e6);
  assert.equal(packets.length, ERRORS_A_SECOND);
  for (let us = 5e6; us <= 6e6; us += 10_000) errors.tell(sent, 0, sent.length, us);
  assert.equal(packets.length, 2 * ERRORS_A_SECOND);
  for (let i = 0; i < 1000; i++) errors.tell(sent, 0, sent.length, 100e6);
  assert.equal(packets.length, 3 * ERRORS_A_SECOND);
});
