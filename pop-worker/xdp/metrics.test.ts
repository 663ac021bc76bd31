import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isRoot } from '#scripts/setup/paths.mjs';
import { exposition } from '#telemetry/exposition.ts';
import { allocateSlots, LAYOUT } from '#telemetry/slots.ts';
import { HealthChecks } from './checks/health-checks.ts';
import type { ChecksStatus } from './checks/status.ts';
import { CHECK_KINDS, CHECK_OUTCOMES, type CheckTarget } from './checks/wanted.ts';
import type { Counted, CounterName } from './front.ts';
import { Counter } from './gen/front.ts';
import { collectXdp } from './metrics.ts';
import { FIXTURE_SERVICES } from './testing/balance/services.ts';
import { BALANCE_FIXTURES } from './testing/balance-fixtures.ts';
import { backend, loadBalancer, service } from './testing/balanced.ts';
import { segment } from './testing/flows.ts';

const skip = isRoot ? false : 'programs are loaded by root';
const SERIES = LAYOUT.series.filter(({ spec }) => spec.name.startsWith('cloudbridge_xdp_'));

type Loaded = ReturnType<typeof loadBalancer>;

const shown = ({ front, balancer }: Loaded, checks: ChecksStatus = new HealthChecks(() => 0).status(0)): string => {
  const seen = front.counts();
  const counts = Object.fromEntries(
    Object.keys(Counter).map((name) => [name, { packets: seen[name as CounterName] ?? 0, bytes: 0 }]),
  ) as Record<CounterName, Counted>;
  const slots = allocateSlots();
  collectXdp(slots, { interface: 'x', mode: 'native', listed: 0, counts, balance: balancer.status(), checks });
  return exposition([slots], SERIES);
};

const has = (text: string, series: string, value: number): void => {
  const line = text.split('\n').find((each) => each.startsWith(`cloudbridge_xdp_${series} `));
  assert.equal(line, `cloudbridge_xdp_${series} ${value}`);
};

test('each outcome of the balancer moves its series', { skip }, (t) => {
  const loaded = loadBalancer(t, FIXTURE_SERVICES);
  const rows = Object.values(BALANCE_FIXTURES).flat();
  const expected = new Map<string, number>();
  for (const { frame, counted } of rows) {
    loaded.front.program.test(frame);
    expected.set(counted, (expected.get(counted) ?? 0) + 1);
  }
  const text = shown(loaded);
  for (const [counted, packets] of expected)
    has(text, `packets_total{outcome="${counted.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}"}`, packets);
  assert.ok(expected.size >= 7);
  has(text, 'balanced_packets_total{choice="nobody"}', expected.get('dropNoBackend') ?? 0);
});

test('connections, choices, services and backends are shown as they are', { skip }, (t) => {
  const of = (...backends: Parameters<typeof service>[1]) =>
    service('203.0.113.10', backends, { protocol: 'tcp', port: 443 });
  const loaded = loadBalancer(t, [of('192.0.2.1', backend('192.0.2.2', { isDraining: true }), '192.0.2.3')], {
    options: { connections: 8 },
  });
  const frame = (i: number, flags: number) =>
    segment({ source: `10.0.0.${i}`, target: '203.0.113.10', sourcePort: 2000 }, flags);
  for (let i = 1; i <= 8; i++) {
    loaded.front.program.test(frame(i, 2));
    loaded.front.program.test(frame(i, 0x10));
  }
  loaded.front.program.test(frame(9, 2));
  loaded.balancer.setHealth([{ service: 'tcp 203.0.113.10:443', backend: '192.0.2.3', health: 'down' }]);
  const moved = [...Array(8)].map((_, i) => loaded.front.program.test(frame(i + 1, 0x10))).length;
  const text = shown(loaded);
  const { choices } = loaded.balancer.status();
  assert.ok(choices.moved > 0 && choices.moved < moved);
  has(text, 'balanced_packets_total{choice="new"}', 8);
  has(text, 'balanced_packets_total{choice="moved"}', choices.moved);
  has(text, 'balanced_packets_total{choice="known"}', choices.known);
  has(text, 'balanced_packets_total{choice="unkept"}', 1);
  has(text, 'balance_connections_count{state="unconfirmed"}', choices.moved);
  has(text, 'balance_connections_count{state="confirmed"}', 8 - choices.moved);
  has(text, 'balance_services_count', 1);
  for (const state of ['up', 'draining', 'down']) has(text, `balance_backends_count{state="${state}"}`, 1);
});

/** Checks of these backends, which are all due at once and end as it is said. */
const checked = (targets: readonly CheckTarget[]) => {
  const checks = new HealthChecks(() => 0);
  checks.set(targets, 0);
  let nowMs = 0;
  const round = (outcomeOf: (target: CheckTarget) => (typeof CHECK_OUTCOMES)[number]): void => {
    for (const { id, target } of checks.due(nowMs)) checks.seen(id, { outcome: outcomeOf(target), reason: '' }, nowMs);
    nowMs += 1000;
  };
  return { round, status: () => checks.status(nowMs) };
};

const COMMON = { port: 80, intervalMs: 1000, timeoutMs: 1000, rise: 1, fall: 1 };
const TLS = { isVerified: true, authority: undefined };
const KINDS = {
  tcp: { ...COMMON, kind: 'tcp' },
  quic: { ...COMMON, kind: 'quic' },
  http: { ...COMMON, kind: 'http', path: '/', host: undefined, statuses: [], tls: TLS },
  https: { ...COMMON, kind: 'https', path: '/', host: undefined, statuses: [], tls: TLS },
  grpc: { ...COMMON, kind: 'grpc', host: undefined, service: '', tls: undefined },
} as const;

test('each kind of checks and each way in which they end moves its series', { skip }, (t) => {
  const loaded = loadBalancer(t, []);
  const { round, status } = checked(
    CHECK_KINDS.flatMap((kind) =>
      CHECK_OUTCOMES.map((backend) => ({ service: kind, backend, isDraining: false, check: KINDS[kind] })),
    ),
  );
  const nothing = shown(loaded, status());
  for (let i = 1; i <= 2; i++) {
    round(({ backend }) => CHECK_OUTCOMES.find((outcome) => outcome === backend) ?? 'failed');
    const text = shown(loaded, status());
    for (const kind of CHECK_KINDS) {
      for (const outcome of ['passed', 'failed', 'timed_out']) {
        has(nothing, `checks_total{kind="${kind}",outcome="${outcome}"}`, 0);
        has(text, `checks_total{kind="${kind}",outcome="${outcome}"}`, i);
      }
    }
  }
});

test('what checks say of backends is shown, and services of which none is well', { skip }, (t) => {
  const loaded = loadBalancer(t, []);
  const of = (service: string, backend: string): CheckTarget => ({
    ...{ service, backend, isDraining: false, check: KINDS.tcp },
  });
  const { round, status } = checked([of('one', 'flaps'), of('one', 'well'), of('two', 'dead')]);
  has(shown(loaded, status()), 'checked_backends_count{health="unknown"}', 3);
  for (let i = 0; i < 7; i++)
    round(({ backend }) => (backend === 'well' || (backend === 'flaps' && i % 2 === 0) ? 'passed' : 'failed'));
  const text = shown(loaded, status());
  for (const [health, count] of Object.entries({ unknown: 0, up: 1, down: 1, held: 1 }))
    has(text, `checked_backends_count{health="${health}"}`, count);
  has(text, 'check_panics_total', 1);
  has(text, 'panicking_services_count', 1);
  round(() => 'passed');
  const after = shown(loaded, status());
  has(after, 'check_panics_total', 1);
  has(after, 'panicking_services_count', 0);
});
