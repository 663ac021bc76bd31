import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatPrefix, parseIpAddress, parsePrefix } from '#protocol/ip/text.ts';
import { AllowedIps, packetLength } from './allowed-ips.ts';

const prefix = (text: string) => parsePrefix(text)!;
const to = (text: string): Uint8Array => {
  const destination = parseIpAddress(text)!;
  const bytes = new Uint8Array(40);
  bytes[0] = destination.length === 4 ? 0x45 : 0x60;
  bytes.set(destination, destination.length === 4 ? 16 : 24);
  return bytes;
};

test('the longest prefix decides, in either family', () => {
  const allowed = new AllowedIps();
  for (const [peer, text] of [
    [1, '0.0.0.0/0'],
    [2, '10.0.0.0/8'],
    [3, '10.1.0.0/16'],
    [4, '10.1.2.3/32'],
    [1, '::/0'],
    [5, '2001:db8::/32'],
    [6, '2001:db8::1/128'],
  ] as const)
    allowed.add(peer, prefix(text));
  const found = (text: string) => allowed.byDestination(to(text), 0);
  assert.deepEqual(['192.0.2.1', '10.2.0.1', '10.1.0.1', '10.1.2.3'].map(found), [1, 2, 3, 4]);
  assert.deepEqual(['2001:db9::', '2001:db8::2', '2001:db8::1'].map(found), [1, 5, 6]);
});

test('a prefix that another peer gets is that one’s alone, and what a peer had goes with it', () => {
  const allowed = new AllowedIps();
  allowed.add(1, { address: parseIpAddress('10.1.2.3')!, length: 16 });
  assert.deepEqual(allowed.of(1).map(formatPrefix), ['10.1.0.0/16']);
  allowed.add(2, prefix('10.1.0.0/16'));
  allowed.add(1, prefix('10.2.0.0/16'));
  assert.deepEqual(
    [allowed.of(1).map(formatPrefix), allowed.of(2).map(formatPrefix)],
    [['10.2.0.0/16'], ['10.1.0.0/16']],
  );
  allowed.remove(1, prefix('10.1.0.0/16'));
  assert.equal(allowed.byDestination(to('10.1.0.1'), 0), 2, 'it is not the first one’s to give up');
  allowed.removeAll(2);
  assert.equal(allowed.byDestination(to('10.1.0.1'), 0), -1);
  assert.deepEqual(allowed.of(2), []);
});

test('bits behind a prefix are not looked at, at any length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), fc.nat(128), (address, length) => {
      const allowed = new AllowedIps();
      allowed.add(1, { address, length });
      const other = address.slice();
      for (let bit = length; bit < 128; bit++) other[bit >> 3]! ^= 0x80 >> (bit & 7);
      allowed.add(2, { address: other, length });
      assert.deepEqual([allowed.of(1).length, allowed.of(2).length], [0, 1]);
    }),
  );
});

test('a source is looked for where its family has it, and not the destination', () => {
  const allowed = new AllowedIps();
  allowed.add(1, prefix('10.1.0.0/16'));
  allowed.add(2, prefix('2001:db8::/32'));
  allowed.add(3, prefix('0.0.0.0/0'));
  allowed.add(3, prefix('::/0'));
  for (const [text, at, peer] of [
    ['10.1.2.3', 12, 1],
    ['2001:db8::1', 8, 2],
  ] as const) {
    const bytes = new Uint8Array(60).fill(0xee);
    bytes[7] = at === 12 ? 0x4f : 0x6f;
    bytes.set(parseIpAddress(text)!, 7 + at);
    assert.deepEqual([allowed.bySource(bytes, 7), allowed.byDestination(bytes, 7)], [peer, 3]);
  }
});

test('a packet ends where its header says: by family and length', () => {
  const v4 = (total: number): Uint8Array =>
    Uint8Array.of(0, 0x45, 0xff, total >> 8, total & 0xff, ...new Uint8Array(1000));
  const v6 = (payload: number): Uint8Array =>
    Uint8Array.of(0, 0x60, 0xff, 0xff, 0xff, payload >> 8, payload & 0xff, ...new Uint8Array(1000));
  for (const [bytes, length, expected] of [
    [v4(20), 20, 20],
    [v4(20), 19, 0],
    [v4(20), 21, 20],
    [v4(19), 60, 0],
    [v4(21), 20, 0],
    [v4(0x0123), 0x0123, 0x0123],
    [v4(0x0123), 0x0122, 0],
    [v6(0), 40, 40],
    [v6(0), 39, 0],
    [v6(0), 41, 40],
    [v6(1), 40, 0],
    [v6(0x0123), 40 + 0x0123, 40 + 0x0123],
    [v6(0x0123), 39 + 0x0123, 0],
    [Uint8Array.of(0, 0x50, ...new Uint8Array(100)), 100, 0],
    [Uint8Array.of(0, 0x70, ...new Uint8Array(100)), 100, 0],
    [Uint8Array.of(0, 0x30, ...new Uint8Array(100)), 100, 0],
    [Uint8Array.of(0, 0x45), 0, 0],
  ] as const)
    assert.equal(packetLength(bytes, 1, length), expected, `${bytes.subarray(1, 7)}: ${length}`);
});

test('whatever it says, a packet is no longer than what came', () => {
  assert.equal(packetLength(new Uint8Array(0), 0, 0), 0);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const length = packetLength(bytes, 0, bytes.length);
      assert.ok(length === 0 || (length >= 20 && length <= bytes.length));
    }),
  );
});
