import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { inNamespace, ip as ipCommand, needsRoot, testNamespace } from '#host/testing/namespace.ts';
import { tcp, udp } from '#protocol/ip/testing/packets.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { XdpFile } from '#settings/xdp-file.ts';
import { exposition } from '#telemetry/exposition.ts';
import { allocateSlots, LAYOUT } from '#telemetry/slots.ts';
import { HealthChecks } from './checks/health-checks.ts';
import { type AttackStatus, Detecting } from './detecting.ts';
import type { Counted, CounterName } from './front.ts';
import { FileFront } from './front-of-file.ts';
import { Counter } from './gen/front.ts';
import { collectXdp } from './metrics.ts';
import { backend, loadBalancer, service } from './testing/balanced.ts';
import { ip } from './testing/frames.ts';

const skip = isRoot ? false : 'programs are loaded by root';
const SERIES = LAYOUT.series.filter(({ spec }) => spec.name.startsWith('cloudbridge_xdp_'));
const SYN = ip({ protocol: 6, payload: tcp({ flags: 2 }) });

const detecting = (t: TestContext, detect: object) => {
  const { front, balancer } = loadBalancer(t, [service('203.0.113.99', [backend('192.0.2.1')])]);
  const told: [string, AttackStatus][] = [];
  const file = XdpFile.parse({ detect }).detect;
  assert.ok(file);
  const defence = new Detecting(
    (map) => front.map(map),
    0,
    (type, attack) => void told.push([type, attack]),
    file,
  );
  let nowUs = 0;
  /** So many frames each tenth of a second. */
  const run = (windows: number, frame: Uint8Array, count: number) => {
    for (let i = 0; i < windows; i++) {
      if (count > 0) front.program.test(frame, count);
      nowUs += 100_000;
      defence.look(nowUs);
    }
  };
  const metrics = (): string => {
    const none = { packets: 0, bytes: 0 };
    const counts = Object.fromEntries(Object.keys(Counter).map((name) => [name, none])) as Record<CounterName, Counted>;
    const slots = allocateSlots();
    const detect = defence.status();
    const checks = new HealthChecks(() => 0).status(0);
    const balance = balancer.status();
    collectXdp(slots, { interface: 'x', mode: 'native', listed: 0, counts, balance, checks, detect });
    return exposition([slots], SERIES);
  };
  return { front, defence, told, run, metrics };
};

test('a flood of real frames is told within a second, shown, counted, and over when it is over', { skip }, (t) => {
  const { defence, told, run, metrics } = detecting(t, { every: 100 });
  run(10, SYN, 5000);
  assert.deepEqual(
    told.map(([type, { kind, target }]) => [type, kind, target]),
    [['began', 'syn', '203.0.113.10/32']],
  );
  const { attacks, found, every, samples, lost } = defence.status();
  assert.deepEqual([every, lost, attacks.length, found.syn, found.carpet], [100, 0, 1, 1, 0]);
  assert.ok(samples >= 498 && samples <= 500, `${samples}`);
  const [attack] = attacks;
  assert.ok(attack && Math.abs(attack.packetsPerSecond - 50_000) < 1000 && attack.seconds < 1);
  assert.equal(attack.bitsPerSecond, attack.packetsPerSecond * 8 * SYN.length);
  assert.deepEqual([attack.pattern.protocol, attack.pattern.targetPort, attack.sources], [6, 443, 1]);
  assert.deepEqual(attack.pattern.sources, ['10.64.0.2/32']);
  // It is what the socket answers.
  assert.doesNotThrow(() => JSON.stringify(defence.status()));
  const text = metrics();
  for (const line of [
    `samples_total{fate="taken"} ${samples}`,
    'samples_total{fate="lost"} 0',
    'attacks_total{kind="syn"} 1',
    'attacks_total{kind="carpet"} 0',
    'attacks_count 1',
    'watched_targets{scope="target"} 1',
    'watched_targets{scope="network"} 1',
  ])
    assert.ok(text.includes(`cloudbridge_xdp_${line}\n`), line);
  run(120, SYN, 0);
  assert.deepEqual(
    told.map(([type]) => type),
    ['began', 'ended'],
  );
  assert.ok(metrics().includes('cloudbridge_xdp_attacks_count 0\n'));
});

test('limits of a file are in force, and others stay as they are', { skip }, (t) => {
  const { told, run } = detecting(t, { every: 10, limit: { syn: { packets: 1_000_000 }, dns: { packets: 500 } } });
  run(20, SYN, 3000);
  run(20, ip({ payload: udp(new Uint8Array(20)) }), 100);
  assert.deepEqual(
    told.map(([type, { kind }]) => [type, kind]),
    [['began', 'dns']],
  );
});

test('samples that find no room are counted in metrics, and are no reason to fail', { skip }, (t) => {
  const { front, defence, run, metrics } = detecting(t, { every: 1 });
  front.program.test(SYN, 50_000);
  run(1, SYN, 0);
  const { samples, lost } = defence.status();
  assert.ok(lost > 30_000 && samples + lost === 50_000);
  assert.ok(metrics().includes(`cloudbridge_xdp_samples_total{fate="lost"} ${lost}\n`));
  defence.every = 0;
  front.program.test(SYN, 1000);
  assert.equal(defence.status().samples, samples);
});

test('a file that is read again begins and ends it, and changes how many are sampled', { skip: needsRoot }, (t) => {
  const { path: namespace } = testNamespace(t);
  const name = `cbd${process.pid}`;
  inNamespace(namespace, () => {
    ipCommand('link', 'add', name, 'type', 'bridge');
    const front = new FileFront(name, XdpFile.parse({}), '/none');
    try {
      front.look();
      assert.equal(front.status().detect, undefined);
      front.change(XdpFile.parse({ detect: {} }));
      assert.equal(front.status().detect?.every, 1000);
      front.change(XdpFile.parse({ detect: { every: 50 } }));
      front.look();
      assert.equal(front.status().detect?.every, 50);
      front.change(XdpFile.parse({}));
      assert.equal(front.status().detect, undefined);
    } finally {
      front.stop();
    }
  });
});

test('a file without sense is refused', () => {
  for (const detect of [
    { every: 0 },
    { every: 1.5 },
    { every: 1e9 },
    { limit: { x: {} } },
    { limit: { syn: { packets: 0 } } },
  ])
    assert.equal(XdpFile.safeParse({ detect }).success, false, JSON.stringify(detect));
});
