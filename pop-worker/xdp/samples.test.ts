import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { tcp, udp } from '#protocol/ip/testing/packets.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { Counter, Sampled } from './gen/front.ts';
import { Samples } from './samples.ts';
import { ethernet, icmp, ip, resized } from './testing/frames.ts';
import { loadFront } from './testing/loaded.ts';

const skip = isRoot ? false : 'programs are loaded by root';

const sampled = (t: TestContext, every: number, settings: Parameters<typeof loadFront>[1] = {}) => {
  const front = loadFront(t, settings);
  const samples = new Samples((name) => front.map(name));
  samples.every = every;
  const taken = (most?: number) => {
    const all: Parameters<Parameters<Samples['read']>[0]>[0][] = [];
    samples.read((sample) => void all.push(sample), most);
    return all;
  };
  return { front, samples, taken };
};

test('a sample has what the packet had', { skip }, (t) => {
  const { front, taken } = sampled(t, 1);
  const payload = Uint8Array.from({ length: 40 }, (_, i) => i + 1);
  const frame = ip({ source: '192.0.2.9', destination: '203.0.113.10', hopLimit: 61, payload: udp(payload) });
  front.program.test(frame);
  const [sample, ...others] = taken();
  assert.deepEqual(others, []);
  assert.ok(sample);
  const { timeNs, ...rest } = sample;
  assert.ok(timeNs > 0 && timeNs <= Number(process.hrtime.bigint()));
  assert.deepEqual(rest, {
    ...{ source: Uint8Array.of(192, 0, 2, 9), target: Uint8Array.of(203, 0, 113, 10) },
    ...{ sourcePort: 5000, targetPort: 53, protocol: 17, bytes: frame.length, every: 1 },
    ...{ isFragment: false, hasPorts: true, tcpFlags: 0, hops: 61, icmpType: 0, outcome: Counter.passed },
    payload: payload.subarray(0, 16),
  });
});

test('of TCP the payload is behind the options, of IPv6 all of the address is there', { skip }, (t) => {
  const { front, taken } = sampled(t, 1);
  const segment = tcp({ flags: 0x18, options: [1, 1, 1, 1], data: Uint8Array.of(7, 8, 9) });
  front.program.test(ip({ source: '2001:db8::2', destination: '2001:db8:1::1', protocol: 6, payload: segment }));
  const [sample] = taken();
  assert.deepEqual(sample?.source, Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Uint8Array(11), 2));
  assert.deepEqual([sample?.tcpFlags, sample?.payload], [0x18, Uint8Array.of(7, 8, 9)]);
});

test('what is dropped is sampled, too, and what cannot be parsed', { skip }, (t) => {
  const { front, taken } = sampled(t, 1);
  front.program.test(ip({ source: '127.0.0.1' }));
  front.program.test(resized(ip(), -20));
  front.program.test(ethernet(0x0806, new Uint8Array(46)));
  front.program.test(ip({ protocol: 1, payload: icmp(8) }));
  front.program.test(ip({ fragmentField: 1, payload: Uint8Array.of(1, 2) }));
  const all = taken();
  assert.deepEqual(
    all.map(({ outcome }) => outcome),
    [Counter.dropMartian, Counter.dropMalformed, Counter.notIp, Counter.passed, Counter.passed],
  );
  assert.deepEqual([all[3]?.icmpType, all[3]?.hasPorts, all[4]?.hasPorts, all[4]?.isFragment], [8, false, false, true]);
  assert.deepEqual(all[4]?.payload, Uint8Array.of(1, 2));
});

test('one of so many is taken, it says of how many, and the rate changes at once', { skip }, (t) => {
  const { front, samples, taken } = sampled(t, 100);
  front.program.test(ip(), 1000);
  const stoodFor = taken().map(({ every }) => every);
  // A run may end on another CPU than it began on.
  assert.ok(stoodFor.length === 10 || stoodFor.length === 9, `${stoodFor.length}`);
  assert.ok(stoodFor.every((every) => every === 100));
  samples.every = 0;
  front.program.test(ip(), 1000);
  assert.deepEqual(taken(), []);
  samples.every = 1;
  front.program.test(ip(), 10);
  assert.ok(taken().length >= 10 - 1);
  assert.throws(() => (samples.every = 2 ** 32), { name: 'RangeError' });
  assert.throws(() => (samples.every = 1.5), { name: 'RangeError' });
});

test('what finds no room is counted, and the next one stands for it', { skip }, (t) => {
  const { front, samples, taken } = sampled(t, 1);
  // 2^20 bytes of 88 each, and the ring is never quite full.
  const room = Math.ceil(2 ** 20 / 88) - 1;
  front.program.test(ip(), room + 500);
  const { taken: written, lost } = samples.counts();
  assert.equal(written + lost, room + 500);
  assert.ok(lost > 490 && lost < 510, `${lost}`);
  assert.equal(taken(1000).length, 1000);
  front.program.test(ip(), 1);
  const rest = taken();
  assert.equal(rest.length, written - 1000 + 1);
  // This one may have been on another CPU, whose samples are owed nothing.
  const perCpu = new Uint8Array(front.map('sampled').valueBytes);
  front.map('sampled').lookup(new Uint8Array(4), perCpu);
  let stoodFor = rest.reduce((sum, { every }) => sum + every, 1000);
  for (let at = 0; at < perCpu.length; at += Sampled.bytes) stoodFor += Sampled.read(perCpu, at).owed;
  assert.equal(stoodFor, room + 500 + 1);
});

test('a ring is gone through many times, and nothing is lost or comes twice', { skip }, (t) => {
  const { front, samples, taken } = sampled(t, 1);
  let before = 0;
  for (let round = 0; round < 40; round++) {
    front.program.test(ip({ source: `192.0.2.${round}` }), 1000);
    const all = taken();
    assert.equal(all.length, 1000);
    for (const { source, timeNs } of all) {
      assert.equal(source[3], round);
      assert.ok(timeNs >= before);
      before = timeNs;
    }
  }
  assert.deepEqual(samples.counts(), { taken: 40_000, lost: 0 });
});
