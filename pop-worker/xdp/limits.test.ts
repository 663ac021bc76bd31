import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { tcp, udp } from '#protocol/ip/testing/packets.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { XdpFile } from '#settings/xdp-file.ts';
import { limitSettings } from './limits.ts';
import { icmp, ip } from './testing/frames.ts';
import { loadFront } from './testing/loaded.ts';

const skip = isRoot ? false : 'programs are loaded by root';

const limited = (t: TestContext, limit: object) => {
  const { settings, lines } = limitSettings(XdpFile.parse({ limit }).limit);
  return loadFront(t, settings, { limits: lines });
};

/** How many of so many frames pass. */
const passing = (front: ReturnType<typeof loadFront>, frame: Uint8Array, count: number): number => {
  let passed = 0;
  for (let i = 0; i < count; i++) passed += front.show(frame).counted.passed ?? 0;
  return passed;
};

const SYN = tcp({ flags: 2 });
const SYN_ACK = tcp({ flags: 0x12 });
const INITIAL = udp(Uint8Array.of(0xc3, 0, 0, 0, 1));
const SHORT = udp(Uint8Array.of(0x43, 0, 0, 0, 1));

test('a burst passes and what is beyond it does not, each source by itself', { skip }, (t) => {
  const front = limited(t, { udp: { rate: 1, burst: 5 } });
  for (const source of ['192.0.2.1', '192.0.2.2', '2001:db8::1']) {
    const destination = source.includes(':') ? '2001:db8:1::1' : '203.0.113.10';
    assert.equal(passing(front, ip({ source, destination }), 8), 5, source);
  }
  assert.equal(front.counts().dropLimited, 9);
});

test('classes are counted each by itself, and one without a limit has none', { skip }, (t) => {
  const front = limited(t, { syn: { rate: 1, burst: 2 }, initial: { rate: 1, burst: 3 }, icmp: { rate: 1, burst: 4 } });
  const rows: [string, Uint8Array, number][] = [
    ['SYN', ip({ protocol: 6, payload: SYN }), 2],
    ['SYN and ACK', ip({ protocol: 6, payload: SYN_ACK }), 10],
    ['an Initial', ip({ payload: INITIAL }), 3],
    ['a short header', ip({ payload: SHORT }), 10],
    ['an empty datagram', ip({ payload: udp(new Uint8Array(0)) }), 10],
    ['echo', ip({ protocol: 1, payload: icmp(8) }), 4],
    ['another protocol', ip({ protocol: 47, payload: new Uint8Array(8) }), 10],
  ];
  for (const [name, frame, passed] of rows) assert.equal(passing(front, frame, 10), passed, name);
});

test('fragments and the rest have limits of their own', { skip }, (t) => {
  const front = limited(t, { fragment: { rate: 1, burst: 1 }, other: { rate: 1, burst: 2 } });
  assert.equal(passing(front, ip({ fragmentField: 1, payload: new Uint8Array(8) }), 5), 1);
  assert.equal(passing(front, ip({ protocol: 47, payload: new Uint8Array(8) }), 5), 2);
  assert.equal(passing(front, ip(), 5), 5);
});

test('sources of one prefix are one source', { skip }, (t) => {
  const front = limited(t, { ipv4_bits: 24, ipv6_bits: 48, udp: { rate: 1, burst: 1 } });
  const from = (source: string) => ip({ source, destination: source.includes(':') ? '2001:db8:1::1' : '203.0.113.10' });
  assert.equal(passing(front, from('192.0.2.1'), 1), 1);
  assert.equal(passing(front, from('192.0.2.200'), 1), 0);
  assert.equal(passing(front, from('192.0.3.1'), 1), 1);
  assert.equal(passing(front, from('2001:db8:7:1::1'), 1), 1);
  assert.equal(passing(front, from('2001:db8:7:2::1'), 1), 0);
  assert.equal(passing(front, from('2001:db8:8:1::1'), 1), 1);
});

test('what was used up comes back with time', { skip }, async (t) => {
  const front = limited(t, { udp: { rate: 100, burst: 10 } });
  assert.ok(passing(front, ip(), 30) < 25);
  // At 100 a second it is whole again after a tenth of one.
  await wait(150);
  assert.ok(passing(front, ip(), 10) === 10);
});

test('a source that goes on keeps its bucket while random ones come and go', { skip }, (t) => {
  const front = limited(t, { sources: 1024, udp: { rate: 1, burst: 50 } });
  let passed = 0;
  for (let i = 0; i < 200; i++) {
    passed += passing(front, ip(), 1);
    const source = `${1 + (i % 100)}.${i % 256}.${(i * 7) % 256}.${1 + (i % 250)}`;
    assert.equal(passing(front, ip({ source }), 1), 1);
  }
  assert.ok(passed >= 50 && passed <= 55, `${passed}`);
});

test('limits that cannot be are refused', () => {
  for (const limit of [{ sources: 1000 }, { syn: { rate: 0 } }, { syn: {} }, { ipv4_bits: 33 }, { tcp: { rate: 1 } }])
    assert.equal(XdpFile.safeParse({ limit }).success, false);
});
