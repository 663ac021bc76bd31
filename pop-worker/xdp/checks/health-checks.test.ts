import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HealthChecks } from './health-checks.ts';
import type { CheckResult, CheckTarget, CheckWanted } from './wanted.ts';

const CHECK: CheckWanted = { kind: 'tcp', port: 80, intervalMs: 5000, timeoutMs: 2000, rise: 2, fall: 2 };
const PASSED: CheckResult = { outcome: 'passed', reason: 'a connection was made' };
const FAILED: CheckResult = { outcome: 'failed', reason: 'nobody listens' };

const target = (backend: string, more: Partial<CheckTarget> = {}): CheckTarget => ({
  ...{ service: 'tcp 203.0.113.1:80', backend, isDraining: false, check: CHECK },
  ...more,
});

/** The same numbers each time. */
const randomOf = (seed: number) => {
  let state = seed;
  return (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};

/** A network in which a check takes 10 ms and ends as the backend is. */
const world = (targets: readonly CheckTarget[], mostAtOnce?: number) => {
  const checks = new HealthChecks(randomOf(7), mostAtOnce);
  const dead = new Set<string>();
  const used = new Map<string, string>();
  const starts: { readonly atMs: number; readonly backend: string }[] = [];
  const notices: unknown[] = [];
  let nowMs = 0;
  let most = 0;
  const take = (): void => {
    const found = checks.take();
    for (const { backend, health } of found.changes) used.set(backend, health);
    notices.push(...found.notices);
  };
  checks.set(targets, 0);
  const run = (ms: number, tookMs = 10): void => {
    const ending: { readonly atMs: number; readonly end: () => void }[] = [];
    for (const untilMs = nowMs + ms; nowMs < untilMs; nowMs += 10) {
      while ((ending[0]?.atMs ?? Number.POSITIVE_INFINITY) <= nowMs) ending.shift()?.end();
      for (const { id, target: of } of checks.due(nowMs)) {
        starts.push({ atMs: nowMs, backend: of.backend });
        ending.push({
          atMs: nowMs + tookMs,
          end: () => checks.seen(id, dead.has(of.backend) ? FAILED : PASSED, nowMs),
        });
      }
      most = Math.max(most, ending.length);
      take();
    }
    for (const { end } of ending) end();
    take();
  };
  const set = (list: readonly CheckTarget[]): void => {
    checks.set(list, nowMs);
    take();
  };
  const stateOf = (backend: string) =>
    checks
      .status(nowMs)
      .services.flatMap(({ backends }) => backends)
      .find(({ address }) => address === backend);
  return {
    ...{ checks, dead, used, starts, notices, run, set, stateOf },
    most: () => most,
  };
};

const TEN = Array.from({ length: 10 }, (_, i) => target(`192.0.2.${i + 1}`));

test('each backend is checked once in an interval, and not all of them together', () => {
  const { run, starts } = world(TEN);
  run(50_000);
  for (const { backend } of TEN) {
    const times = starts.filter((start) => start.backend === backend).map(({ atMs }) => atMs);
    assert.ok(times.length >= 9 && times.length <= 11, `${times.length}`);
    for (const [i, atMs] of times.slice(1).entries()) {
      const gap = atMs - (times[i] as number);
      assert.ok(gap >= 4500 && gap <= 5510, `${gap}`);
    }
  }
  const firsts = new Set(starts.slice(0, 10).map(({ atMs }) => Math.floor(atMs / 500)));
  assert.ok(firsts.size >= 5);
});

test('no more than so many are on their way, and whoever waits longest is next', () => {
  const many = Array.from({ length: 200 }, (_, i) => target(`10.0.0.${i}`));
  const { run, starts, most } = world(many, 8);
  run(60_000, 2000);
  assert.equal(most(), 8);
  const counts = many.map(({ backend }) => starts.filter((start) => start.backend === backend).length);
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
});

test('one that dies is taken away after the checks that it takes, and comes back', () => {
  const { run, dead, used, notices, stateOf } = world(TEN);
  run(10_000);
  assert.equal(used.size, 0);
  dead.add('192.0.2.3');
  run(5000);
  assert.equal(used.size, 0);
  run(6100);
  assert.deepEqual([...used], [['192.0.2.3', 'down']]);
  assert.equal(stateOf('192.0.2.3')?.reason, 'nobody listens');
  dead.clear();
  run(11_100);
  assert.deepEqual([...used], [['192.0.2.3', 'up']]);
  const told = notices.filter((notice) => JSON.stringify(notice).includes('192.0.2.3'));
  assert.deepEqual(
    told.map((notice) => (notice as { readonly state: string }).state),
    ['up', 'down', 'up'],
  );
});

test('when all are down all are used, which is counted and told, until one is well', () => {
  const { run, dead, used, checks, notices } = world(TEN);
  run(6000);
  for (const { backend } of TEN) dead.add(backend);
  run(20_000);
  assert.ok([...used.values()].every((health) => health === 'up'));
  assert.equal(checks.status(0).panics, 1);
  assert.equal(checks.status(0).services[0]?.isPanicking, true);
  dead.delete('192.0.2.7');
  run(12_000);
  assert.deepEqual(
    [...used].filter(([, health]) => health === 'up').map(([backend]) => backend),
    ['192.0.2.7'],
  );
  assert.deepEqual(
    notices.filter((notice) => (notice as { readonly of: string }).of === 'service'),
    [true, false].map((isPanicking) => ({ of: 'service', service: 'tcp 203.0.113.1:80', isPanicking })),
  );
});

test('one that drains is nobody for new connections: where all others are down all are used', () => {
  const { run, dead, used, checks } = world([target('a', { isDraining: true }), target('b')]);
  run(6000);
  dead.add('b');
  run(12_000);
  assert.equal(used.size, 0);
  assert.equal(checks.status(0).panics, 1);
});

test('one that flaps is held while others are well, and used where nobody else is', () => {
  const quick: CheckWanted = { ...CHECK, intervalMs: 1000, rise: 1, fall: 1 };
  const { run, dead, used, checks, stateOf } = world([target('a', { check: quick }), target('b', { check: quick })]);
  run(2000);
  for (let i = 0; i < 3; i++) {
    dead.add('a');
    run(1200);
    dead.clear();
    run(1200);
  }
  assert.equal(stateOf('a')?.health, 'held');
  assert.equal(used.get('a'), 'down');
  dead.add('b');
  run(1200);
  assert.deepEqual([used.get('a'), used.get('b')], ['up', 'down']);
  assert.equal(checks.status(0).panics, 0);
  dead.clear();
  run(1200);
  assert.deepEqual([used.get('a'), used.get('b')], ['down', 'up']);
  run(180_000);
  assert.equal(stateOf('a')?.health, 'up');
  assert.equal(used.get('a'), 'up');
});

test('checks that are the same go on when others change, with what they found', () => {
  const { run, dead, set, stateOf, starts, used } = world([target('a'), target('b'), target('c')]);
  dead.add('a').add('b');
  run(12_000);
  assert.equal(stateOf('a')?.health, 'down');
  const seconds = stateOf('a')?.seconds ?? 0;
  const before = starts.length;
  set([target('a'), target('b', { check: { ...CHECK, port: 81, rise: 1 } }), target('d')]);
  // Found before, and kept.
  assert.equal(stateOf('a')?.seconds, seconds);
  assert.equal(stateOf('b')?.health, 'down');
  assert.equal(stateOf('c'), undefined);
  assert.equal(stateOf('d')?.health, 'unknown');
  dead.clear();
  run(5100);
  assert.equal(stateOf('b')?.health, 'up');
  assert.equal(stateOf('a')?.health, 'down');
  assert.ok(starts.length - before <= 6);
  assert.equal(used.get('a'), 'down');
});

test('one that is not checked any more is used, and what was on its way says nothing', () => {
  const checks = new HealthChecks(() => 0);
  checks.set([target('a'), target('b')], 0);
  const round = (result: (backend: string) => CheckResult, nowMs: number): void => {
    for (const { id, target: of } of checks.due(nowMs)) checks.seen(id, result(of.backend), nowMs);
  };
  const result = (backend: string): CheckResult => (backend === 'a' ? FAILED : PASSED);
  for (const nowMs of [0, 6000]) round(result, nowMs);
  assert.deepEqual(checks.take().changes, [{ service: 'tcp 203.0.113.1:80', backend: 'a', health: 'down' }]);
  const [late] = checks.due(12_000);
  checks.set([target('b')], 12_000);
  assert.deepEqual(checks.take().changes, [{ service: 'tcp 203.0.113.1:80', backend: 'a', health: 'up' }]);
  checks.seen(late?.id ?? 0, FAILED, 12_000);
  checks.seen(99, FAILED, 12_000);
  assert.deepEqual(checks.take(), { changes: [], notices: [] });
  assert.deepEqual(checks.status(0).counts.tcp, { passed: 2, failed: 2, timedOut: 0 });
  checks.set([], 12_000);
  assert.equal(checks.deadlineMs(), undefined);
});

test('one that was left down is down until as many checks pass as it takes; where all were, all are used', () => {
  const checks = new HealthChecks(() => 0);
  const left = (backend: string) => ({ service: 'tcp 203.0.113.1:80', backend, health: 'down' as const });
  checks.set([target('a'), target('b')], 0, [left('a'), left('none')]);
  assert.deepEqual(checks.take().changes, []);
  assert.deepEqual(
    checks.status(0).services[0]?.backends.map(({ health }) => health),
    ['down', 'unknown'],
  );
  for (const nowMs of [0, 6000]) {
    assert.deepEqual(checks.take().changes, []);
    for (const { id } of checks.due(nowMs)) checks.seen(id, PASSED, nowMs);
  }
  assert.deepEqual(checks.take().changes, [{ ...left('a'), health: 'up' }]);
  const others = new HealthChecks(() => 0);
  others.set([target('a')], 0, [left('a')]);
  assert.deepEqual(others.take().changes, [{ ...left('a'), health: 'up' }]);
  assert.equal(others.status(0).panics, 1);
});

test('a file that is read again and again keeps no check from being made, nor its result from counting', () => {
  const checks = new HealthChecks(() => 0.5);
  for (let nowMs = 0; nowMs <= 20_000; nowMs += 1000) {
    const started = checks.due(nowMs);
    checks.set([target('a'), target('b')], nowMs);
    for (const { id } of started) checks.seen(id, PASSED, nowMs);
  }
  const { tcp } = checks.status(0).counts;
  assert.ok(tcp.passed >= 6 && tcp.passed <= 8, `${tcp.passed}`);
});

test('the result of a check that is another one now says nothing', () => {
  const checks = new HealthChecks(() => 0);
  const other = target('a', { check: { ...CHECK, port: 81 } });
  checks.set([target('a')], 0);
  const [old] = checks.due(0);
  checks.set([other], 0);
  const [late] = checks.due(0);
  assert.deepEqual(late?.target, other);
  checks.seen(old?.id ?? 0, PASSED, 10);
  assert.equal(checks.status(10).services[0]?.backends[0]?.health, 'unknown');
  checks.seen(late?.id ?? 0, PASSED, 20);
  assert.equal(checks.status(20).services[0]?.backends[0]?.health, 'up');
});

test('it says when it wants to be asked again', () => {
  const checks = new HealthChecks(() => 0.5);
  assert.equal(checks.deadlineMs(), undefined);
  checks.set([target('a')], 100);
  assert.equal(checks.deadlineMs(), 2600);
  const [started] = checks.due(2600);
  assert.equal(checks.deadlineMs(), undefined);
  checks.seen(started?.id ?? 0, PASSED, 2700);
  assert.equal(checks.deadlineMs(), 7600);
});
