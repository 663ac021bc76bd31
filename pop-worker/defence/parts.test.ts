import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressKey, networkKey, prefixTextOf } from './address-key.ts';
import { Baseline } from './baseline.ts';
import { Distinct } from './distinct.ts';
import { Hysteresis } from './hysteresis.ts';
import { patternOf } from './pattern.ts';
import { RecentRates } from './rates.ts';
import { hasPacket } from './testing/has-packet.ts';
import { below, chanceOf, ipv4, sampleWith } from './testing/traffic.ts';
import { Top } from './top.ts';

const HOUR = 3_600e6;

test('addresses and networks are told apart, and those of one network are one', () => {
  const a = ipv4(203, 0, 113, 1);
  const b = ipv4(203, 0, 113, 2);
  assert.notEqual(addressKey(a), addressKey(b));
  assert.equal(networkKey(a), networkKey(b));
  assert.notEqual(networkKey(a), networkKey(ipv4(203, 0, 114, 1)));
  const v6 = (last: number) => Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 1, ...new Uint8Array(9), last);
  assert.notEqual(addressKey(v6(1)), addressKey(v6(2)));
  assert.equal(networkKey(v6(1)), networkKey(v6(2)));
  assert.deepEqual(
    [a, v6(1)].flatMap((address) => [prefixTextOf(address, false), prefixTextOf(address, true)]),
    ['203.0.113.1/32', '203.0.113.0/24', '2001:db8:1::1/128', '2001:db8:1::/48'],
  );
});

test('different ones are counted within a quarter, whoever they are', () => {
  for (const seed of [1, 77, 0xdead_beef])
    for (const count of [1, 10, 100, 1000, 30_000, 1_000_000]) {
      const distinct = new Distinct(seed);
      const bytes = new Uint8Array(4);
      for (let i = 0; i < count; i++) {
        new DataView(bytes.buffer).setUint32(0, i);
        distinct.add(bytes);
        if (i < 1000) distinct.add(bytes);
      }
      const counted = distinct.count();
      assert.ok(Math.abs(counted - count) <= 0.25 * count, `${counted} of ${count}`);
    }
});

test('who has most is kept, whoever else comes, and no more than there are places', () => {
  const top = new Top(16);
  const chance = chanceOf(3);
  for (let i = 0; i < 20_000; i++) {
    const isLoud = chance() < 0.2;
    const address = isLoud ? ipv4(192, 0, 2, 1) : ipv4(10, below(chance, 256), below(chance, 256), 1);
    top.add(addressKey(address), address, 5);
    assert.ok(top.size <= 16);
  }
  const [first] = top.list(1);
  assert.deepEqual(first?.address, ipv4(192, 0, 2, 1));
  // What may be others' is said.
  const { weight, error, times } = first as { weight: number; error: number; times: number };
  assert.ok(weight - error <= 5 * times && weight >= 5 * times && times > 3900);
});

test('a baseline learns at first, and then grows only so much an hour', () => {
  const baseline = new Baseline({
    ...{ least: 10, most: 10_000, settlesUs: HOUR / 6, growthAnHour: 1.3, learnsUs: HOUR / 3 },
  });
  assert.equal(baseline.rate, 10);
  const learn = (rate: number, us: number) => {
    for (let done = 0; done < us; done += 1e6) baseline.learn(rate, 1e6);
    return baseline.rate;
  };
  assert.ok(!baseline.isKnown);
  const learned = learn(1000, HOUR / 3);
  assert.ok(baseline.isKnown && learned > 800 && learned < 1000);
  const hourLater = learn(1_000_000, HOUR);
  assert.ok(Math.abs(hourLater / learned - 1.3) < 0.01, `${hourLater / learned}`);
  // It comes down without a bound, and never below the least.
  assert.ok(learn(0, HOUR) < 5 * 10);
  assert.equal(learn(0, 10 * HOUR), 10);
  assert.ok(learn(1e9, 100 * HOUR) <= 10_000);
});

test('hysteresis: so many in a row to begin, so long below the lower limit to end', () => {
  const hysteresis = new Hysteresis(3, 10);
  const turns = (loads: readonly number[], from: number) =>
    loads.map((load, i) => hysteresis.turn(load, 0.5, from + i) ?? '');
  assert.deepEqual(
    turns([2, 2, 0.9, 2, 2, 1, 2, 2], 0),
    Array.from({ length: 8 }, () => ''),
  );
  assert.deepEqual(turns([2], 8), ['began']);
  assert.ok(hysteresis.isOn);
  // Between the limits nothing happens; one loud window begins the wait anew.
  assert.deepEqual(turns([0.6, 0.1, 0.1, 0.5, 0.1], 9).join(''), '');
  assert.deepEqual(
    turns(
      Array.from({ length: 10 }, () => 0.4),
      14,
    ).indexOf('ended'),
    9,
  );
  assert.ok(!hysteresis.isAlert);
});

test('rates are of three windows, and few samples are no load', () => {
  const recent = new RecentRates();
  const limit = { packets: 1000, bits: 1e9 };
  for (let i = 0; i < 5; i++) recent.add(1000, 100);
  recent.turn(0.1);
  assert.deepEqual(recent.rates, { packets: 50_000, bits: 50_000 * 800 });
  assert.equal(recent.load(limit), 0);
  recent.turn(0.1);
  for (let i = 0; i < 4; i++) recent.add(1000, 100);
  recent.turn(0.2);
  assert.deepEqual(recent.rates, { packets: 22_500, bits: 22_500 * 800 });
  assert.equal(recent.load(limit), 22.5 * (1 - 1 / 3));
  assert.equal(recent.load({ packets: 1e9, bits: 1.8e7 }), 1 - 1 / 3);
  recent.turn(0.1);
  assert.equal(recent.rates.packets, 10_000);
});

test('a pattern is as narrow as it can be, and says what it covers', () => {
  const chance = chanceOf(5);
  const attack = Array.from({ length: 95 }, () =>
    sampleWith({
      protocol: 6,
      tcpFlags: 2,
      source: ipv4(10, 0, below(chance, 256), below(chance, 256)),
      targetPort: 443,
      bytes: 60,
    }),
  );
  const others = Array.from({ length: 5 }, () => sampleWith({ sourcePort: 53, bytes: 512 }));
  const { pattern, covers } = patternOf([...attack, ...others], 0.9);
  assert.deepEqual(pattern, {
    ...{ protocol: 6, tcpFlags: { value: 2, mask: 0x17 }, sourcePort: 0, targetPort: 443, bytes: [60, 60] },
  });
  assert.equal(covers, 0.95);
  assert.ok(attack.every((sample) => hasPacket(pattern, sample)));
  assert.ok(!others.some((sample) => hasPacket(pattern, sample)));
  for (const other of [{ bytes: 61 }, { tcpFlags: 0x12 }, { targetPort: 80 }, { protocol: 17 }, { sourcePort: 1 }])
    assert.ok(!hasPacket(pattern, { ...(attack[0] as (typeof attack)[0]), ...other }), JSON.stringify(other));
});

test('sources are named where they are few: addresses, else networks', () => {
  const of = (source: () => Uint8Array) =>
    patternOf(
      Array.from({ length: 50 }, () => sampleWith({ source: source() })),
      0.9,
    );
  const chance = chanceOf(9);
  assert.deepEqual(of(() => ipv4(192, 0, 2, 1 + below(chance, 2))).pattern.sources, ['192.0.2.1/32', '192.0.2.2/32']);
  const { pattern } = of(() => ipv4(192, 0, 2, below(chance, 250)));
  assert.deepEqual(pattern.sources, ['192.0.2.0/24']);
  assert.ok(hasPacket(pattern, sampleWith({ source: ipv4(192, 0, 2, 77) })));
  assert.ok(!hasPacket(pattern, sampleWith({ source: ipv4(192, 0, 3, 77) })));
  assert.equal(of(() => ipv4(192, 0, below(chance, 250), 1)).pattern.sources, undefined);
});

test('nothing has no pattern, and few samples say nothing of sources', () => {
  assert.deepEqual(patternOf([], 0.9), { pattern: {}, covers: 0 });
  const { pattern } = patternOf([sampleWith({ sourcePort: 123 }), sampleWith({ sourcePort: 123 })], 0.9);
  assert.deepEqual(pattern, { protocol: 17, sourcePort: 123, targetPort: 0 });
});
