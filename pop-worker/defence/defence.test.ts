import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DetectorKind } from './detectors.ts';
import type { Pattern } from './pattern.ts';
import type { PacketSample } from './sample.ts';
import { hasPacket } from './testing/has-packet.ts';
import { normalDay, WEB } from './testing/normal.ts';
import { anySource, below, type Chance, type Flow, ipv4, sampleWith, Traffic } from './testing/traffic.ts';

const SECOND = 1e6;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const LONG_HEADER = Uint8Array.of(0xc0, 0, 0, 0, 1);

interface Attack {
  readonly rate: number;
  readonly target?: string;
  readonly pattern: Pattern;
  readonly sample: (chance: Chance) => PacketSample;
}

const ports = (chance: Chance) => 1024 + below(chance, 60_000);
const reflectors = (chance: Chance) => ipv4(192, 0, 2 + below(chance, 200), below(chance, 250));

const ATTACKS: Readonly<Record<string, Attack & { readonly kind: DetectorKind }>> = {
  'SYN flood': {
    ...{ kind: 'syn', rate: 60_000 },
    pattern: { protocol: 6, tcpFlags: { value: 2, mask: 0x17 }, targetPort: 443 },
    sample: (chance) =>
      sampleWith({
        source: anySource(chance),
        protocol: 6,
        tcpFlags: 2,
        sourcePort: ports(chance),
        targetPort: 443,
        bytes: 60,
      }),
  },
  ...Object.fromEntries(
    [53, 123, 389, 1900, 11_211, 19, 161, 5353].map((sourcePort): [string, Attack & { kind: DetectorKind }] => [
      `reflection from port ${sourcePort}`,
      {
        ...{ kind: 'reflection', rate: 60_000, pattern: { protocol: 17, sourcePort } },
        sample: (chance) =>
          sampleWith({
            source: reflectors(chance),
            sourcePort,
            targetPort: ports(chance),
            bytes: 400 + below(chance, 900),
          }),
      },
    ]),
  ),
  'QUIC Initials': {
    ...{ kind: 'initial', rate: 60_000, pattern: { protocol: 17, targetPort: 443 } },
    sample: (chance) =>
      sampleWith({
        source: anySource(chance),
        sourcePort: ports(chance),
        targetPort: 443,
        bytes: 1242,
        payload: LONG_HEADER,
      }),
  },
  'DNS queries': {
    ...{ kind: 'dns', rate: 80_000, target: '203.0.113.53/32', pattern: { protocol: 17, targetPort: 53 } },
    sample: (chance) =>
      sampleWith({
        target: ipv4(203, 0, 113, 53),
        source: anySource(chance),
        sourcePort: ports(chance),
        targetPort: 53,
        bytes: 90,
      }),
  },
  'ICMP echo': {
    ...{ kind: 'icmp', rate: 60_000, pattern: { protocol: 1, icmpType: 8 } },
    sample: (chance) => sampleWith({ source: anySource(chance), protocol: 1, icmpType: 8, hasPorts: false, bytes: 98 }),
  },
  'ICMPv6 echo': {
    ...{ kind: 'icmp', rate: 60_000, target: '2001:db8::1/128', pattern: { protocol: 58, icmpType: 128 } },
    sample: (chance) =>
      sampleWith({
        ...{ target: Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Uint8Array(11), 1), protocol: 58, icmpType: 128 },
        ...{ source: Uint8Array.of(0x2a, below(chance, 256), ...new Uint8Array(14)), hasPorts: false, bytes: 118 },
      }),
  },
  'many packets of a protocol that nobody uses': {
    ...{ kind: 'volumetric', rate: 400_000, pattern: { protocol: 47 } },
    sample: (chance) =>
      sampleWith({ source: anySource(chance), protocol: 47, hasPorts: false, bytes: 200 + below(chance, 800) }),
  },
  'large packets': {
    ...{ kind: 'volumetric', rate: 190_000, pattern: { protocol: 17, targetPort: 9999 } },
    sample: (chance) =>
      sampleWith({ source: anySource(chance), sourcePort: ports(chance), targetPort: 9999, bytes: 1514 }),
  },
  'a carpet over a /24': {
    ...{ kind: 'carpet', rate: 400_000, target: '203.0.113.0/24', pattern: { protocol: 17, targetPort: 80 } },
    sample: (chance) =>
      sampleWith({
        target: ipv4(203, 0, 113, below(chance, 256)),
        source: anySource(chance),
        sourcePort: ports(chance),
        targetPort: 80,
      }),
  },
  'a carpet over a /48': {
    ...{ kind: 'carpet', rate: 400_000, target: '2001:db8:9::/48', pattern: { protocol: 17, targetPort: 80 } },
    sample: (chance) =>
      sampleWith({
        target: Uint8Array.of(0x20, 1, 0xd, 0xb8, 0, 9, ...Array.from({ length: 10 }, () => below(chance, 256))),
        ...{
          source: Uint8Array.of(0x2a, below(chance, 256), ...new Uint8Array(14)),
          targetPort: 80,
          sourcePort: ports(chance),
        },
      }),
  },
};

const attackFlow = ({ rate, sample }: Attack, fromUs: number, untilUs: number): Flow => ({
  rate: (now) => (now >= fromUs && now < untilUs ? rate : 0),
  sample,
});

describe('an attack among usual traffic is found within a second, and is over when it is over', () => {
  for (const [name, attack] of Object.entries(ATTACKS)) {
    test(name, () => {
      const from = 5 * MINUTE;
      const until = from + 20 * SECOND;
      const traffic = new Traffic();
      traffic.flows.push(...normalDay(), attackFlow(attack, from, until));
      traffic.runUntil(from);
      assert.deepEqual(
        traffic.events.map(({ detection: { kind } }) => kind),
        [],
      );
      traffic.runFor(SECOND);
      const target = attack.target ?? '203.0.113.10/32';
      assert.deepEqual(
        traffic.events.map(({ type, detection }) => [type, detection.kind, detection.target]),
        [['began', attack.kind, target]],
      );
      traffic.runFor(4 * SECOND);
      const [detection] = traffic.defence.active();
      assert.ok(detection?.evidence && detection.firstUs >= from && detection.beganUs <= from + SECOND);
      assert.ok(detection.rates.packets > detection.limit.packets || detection.rates.bits > detection.limit.bits);
      for (const [field, value] of Object.entries(attack.pattern))
        assert.deepEqual(detection.pattern[field as keyof Pattern], value, field);
      assert.equal(detection.pattern.sources, undefined);
      const covered = Array.from({ length: 2000 }, () => hasPacket(detection.pattern, attack.sample(traffic.chance)));
      assert.ok(covered.filter(Boolean).length > 1800, 'the pattern covers the attack');
      const { sources, samples, topSources, headers } = detection.evidence;
      assert.ok(sources > 50 && samples >= 100 && topSources.length === 10 && headers.length === 5);
      traffic.runUntil(until + 20 * SECOND);
      assert.deepEqual(
        traffic.events.map(({ type, detection: { id } }) => [type, id]),
        [
          ['began', 1],
          ['ended', 1],
        ],
      );
      const [, ended] = traffic.events;
      assert.ok(ended?.type === 'ended' && ended.endedUs >= until + 10 * SECOND && ended.endedUs < until + 12 * SECOND);
      assert.deepEqual(traffic.defence.active(), []);
      assert.equal(traffic.defence.stats().profiles, 0);
    });
  }
});

test('few sources are named in the pattern', () => {
  const traffic = new Traffic();
  traffic.flows.push(...normalDay());
  const sample = (chance: Chance) =>
    sampleWith({
      source: ipv4(192, 0, 2, below(chance, 4)),
      protocol: 6,
      tcpFlags: 2,
      targetPort: 443,
      sourcePort: ports(chance),
    });
  traffic.flows.push(attackFlow({ rate: 80_000, sample, pattern: {} }, MINUTE, HOUR));
  traffic.runUntil(MINUTE + 10 * SECOND);
  const [detection] = traffic.defence.active();
  assert.deepEqual(
    detection?.pattern.sources?.filter((prefix) => prefix.startsWith('192.0.2.')),
    ['192.0.2.0/32', '192.0.2.1/32', '192.0.2.2/32', '192.0.2.3/32'],
  );
});

test('a day with its night, its evening and a flash crowd of three times as many has no attack', () => {
  const from = 8 * HOUR;
  // In five minutes it is there, after an hour it goes.
  const crowd = (now: number) =>
    1 + 2 * Math.max(0, Math.min((now - from) / (5 * MINUTE), 1, (from + 65 * MINUTE - now) / (5 * MINUTE)));
  const traffic = new Traffic();
  traffic.flows.push(...normalDay(crowd));
  traffic.runUntil(24 * HOUR);
  assert.deepEqual(
    traffic.events.map(({ detection: { kind } }) => kind),
    [],
  );
  const { samples, targets, profiles } = traffic.defence.stats();
  assert.ok(samples > 3e6 && targets >= 2 && profiles < 3);
});

test('a crowd of ten times as many is told as what it is: above the baseline', () => {
  const traffic = new Traffic();
  traffic.flows.push(...normalDay((now) => (now < 2 * HOUR ? 1 : 10)));
  traffic.runUntil(2 * HOUR + 2 * SECOND);
  assert.ok(traffic.events.some(({ detection: { kind } }) => kind === 'above-baseline' || kind === 'volumetric'));
});

test('a slow ramp is found long before the limit that does not depend on what is usual', () => {
  const traffic = new Traffic();
  const doubles = 20 * MINUTE;
  const ramp = (now: number) => 15_000 * 2 ** (now / doubles);
  traffic.flows.push({
    rate: ramp,
    sample: (chance) =>
      sampleWith({ target: WEB, source: anySource(chance), sourcePort: ports(chance), targetPort: 4433 }),
  });
  while (traffic.events.length === 0 && traffic.nowUs < 3 * HOUR) traffic.runFor(SECOND);
  const [detection] = traffic.defence.active();
  assert.ok(detection);
  assert.equal(detection.kind, 'above-baseline');
  assert.ok(ramp(traffic.nowUs) < 130_000, `found at ${ramp(traffic.nowUs)}`);
  traffic.flows[0] = { ...(traffic.flows[0] as Flow), rate: () => 100_000 };
  traffic.runFor(HOUR);
  assert.deepEqual(traffic.defence.active()[0]?.limit, detection.limit, 'an attack teaches nothing');
});

test('one loud window begins nothing, one silent one ends nothing', () => {
  const traffic = new Traffic();
  const { sample } = ATTACKS['SYN flood'] as Attack;
  // 200 ms of each two seconds.
  traffic.flows.push({ rate: (now) => (now % (2 * SECOND) < 0.2 * SECOND ? 100_000 : 0), sample });
  traffic.runFor(MINUTE);
  assert.deepEqual(
    traffic.events.map(({ detection: { kind } }) => kind),
    [],
  );
  traffic.flows[0] = { rate: (now) => (now % (2 * SECOND) < SECOND ? 100_000 : 0), sample };
  traffic.runFor(MINUTE);
  assert.equal(traffic.events.length, 1);
});

test('random sources, targets and networks fill no memory, and hide no attack', () => {
  const traffic = new Traffic();
  const anyV6 = (chance: Chance) => Uint8Array.from({ length: 16 }, () => 1 + below(chance, 255));
  const { sample } = ATTACKS['SYN flood'] as Attack;
  const isV6 = (chance: Chance) => chance() < 0.5;
  traffic.flows.push({
    rate: () => 2_000_000,
    sample: (chance) =>
      sampleWith({ target: isV6(chance) ? anyV6(chance) : anySource(chance), source: anyV6(chance), sourcePort: 53 }),
  });
  // Thousands that each get enough to be watched, one after the other.
  traffic.flows.push({
    rate: () => 500_000,
    sample: () =>
      sampleWith({ target: ipv4(20, 0, (traffic.nowUs / 1e5) >>> 8, (traffic.nowUs / 1e5) & 255), protocol: 99 }),
  });
  traffic.flows.push(attackFlow({ rate: 100_000, sample, pattern: {} }, 4 * MINUTE, HOUR));
  let most = 0;
  while (traffic.nowUs < 4 * MINUTE + SECOND) {
    traffic.runFor(SECOND);
    const { targets, networks, profiles } = traffic.defence.stats();
    assert.ok(targets <= 1024 && networks <= 256 && profiles <= 64);
    most = Math.max(most, targets);
  }
  assert.equal(most, 1024);
  assert.ok(traffic.defence.stats().evicted > 100);
  assert.deepEqual(
    traffic.events
      .filter(({ detection: { target } }) => target === '203.0.113.10/32')
      .map(({ detection }) => detection.kind),
    ['syn'],
  );
});

test('what is no packet of IP is counted, and looked at no further', () => {
  const traffic = new Traffic();
  traffic.flows.push({ rate: () => 1_000_000, sample: () => sampleWith({ target: new Uint8Array(4) }) });
  traffic.runFor(2 * SECOND);
  const { samples, unaddressed, targets } = traffic.defence.stats();
  assert.ok(samples > 1000 && unaddressed === samples && targets === 0);
});

test('windows end when it is time, and one that ends late is a longer one', () => {
  const traffic = new Traffic();
  const { defence } = traffic;
  const { sample } = ATTACKS['SYN flood'] as Attack;
  assert.equal(defence.deadline(), 100_000);
  for (const nowUs of [1_000_000, 2_000_000, 3_000_000, 4_000_000]) {
    // 15,000 a second are too few; in a tenth of it they would be too many.
    for (let i = 0; i < 15; i++) defence.take(sample(traffic.chance));
    defence.turn(nowUs - 999_999);
    defence.turn(nowUs);
    assert.equal(defence.deadline(), nowUs + 100_000);
  }
  assert.deepEqual(
    traffic.events.map(({ detection: { kind } }) => kind),
    [],
  );
});
