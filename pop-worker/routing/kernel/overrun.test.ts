import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { needsRoot } from '#host/testing/namespace.ts';
import { numbered } from './testing/prefixes.ts';
import { until, world } from './testing/world.ts';

const ROUTES = 3000;
const NO = { skip: needsRoot };

test('what a killed process left is taken over; only what is missing or stale changes', NO, async (t) => {
  const w = world(t);
  const file = fileURLToPath(new URL('testing/killed.ts', import.meta.url));
  const child = spawn(process.execPath, [file, w.path, String(ROUTES)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  w.ip('route', 'delete', numbered(5), 'table', '20300');
  w.ip('route', 'add', '198.18.0.0/15', 'dev', 'b0', 'table', '20300');
  w.ip('nexthop', 'add', 'id', '203000500', 'dev', 'b0');
  const monitor = spawn('ip', ['-n', w.name, 'monitor', 'route', 'nexthop', 'rule'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => monitor.kill());
  let told = '';
  monitor.stdout.on('data', (data) => {
    told += data;
  });
  // It listens once it tells of a change that is made.
  let metric = 1;
  await until('ip monitor listens', () => {
    w.ip('route', 'add', '198.18.0.0/15', 'dev', 'b0', 'table', '20300', 'metric', String(metric++));
    return told !== '';
  });

  const routes = await w.open();
  assert.deepEqual(
    [routes.status.routes.installed, routes.status.rules.installed, routes.status.nextHops.installed],
    [ROUTES - 1, 1, 3],
  );
  const way = routes.hops([
    { device: 'b0', gateway: '198.51.100.2' },
    { device: 'a0', gateway: '192.0.2.2' },
  ]);
  for (let i = 0; i < ROUTES - 1; i++) routes.set(numbered(i), way);
  routes.steer([{ order: 0, family: 4, from: '10.0.0.0/8', table: 20_300 }]);
  routes.complete();
  await routes.settled();
  assert.deepEqual(routes.status.changes, { added: 1, replaced: 0, removed: 1 });
  w.ip('route', 'add', '198.51.100.128/25', 'dev', 'b0', 'table', '20300');
  await until('all is told', () => told.includes('198.51.100.128/25'));
  const ours = told
    .split('\n')
    .filter((line) => !line.includes('198.18.0.0/15') && !line.includes('198.51.100.128/25'));
  assert.deepEqual(
    ours
      .filter((line) => /^(Deleted )?\d/.test(line))
      .map((line) => line.replace(/ nhid .*/, ''))
      .sort(),
    [numbered(5).slice(0, -3), `Deleted ${numbered(ROUTES - 1).slice(0, -3)}`],
  );
  assert.equal(
    w.seen('nexthop').some(({ id }) => id === 203_000_500),
    true,
  );
});

test('an overrun is counted, and everything of ours is compared and mended', NO, async (t) => {
  const w = world(t);
  const routes = await w.open({ receiveBufferBytes: 1 });
  routes.complete();
  const way = routes.hops([{ device: 'a0', gateway: '192.0.2.2' }]);
  for (let i = 0; i < ROUTES; i++) routes.set(numbered(i), way);
  await routes.settled();
  assert.equal(routes.status.overruns, 0);
  const { checks } = routes.status;
  // This thread waits meanwhile, so that nobody reads what the kernel tells.
  const lines = Array.from({ length: 1000 }, (_, i) => `route delete ${numbered(i)} table 20300\n`).join('');
  execFileSync('ip', ['-n', w.name, '-batch', '-'], { input: lines });
  assert.equal(w.seen('route', 'show', 'table', '20300').length, ROUTES - 1000);
  await until('all are back', () => w.seen('route', 'show', 'table', '20300').length === ROUTES);
  assert.ok(routes.status.overruns >= 1);
  assert.ok(routes.status.checks > checks);
});
