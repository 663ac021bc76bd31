import assert from 'node:assert/strict';
import { test } from 'node:test';
import { needsRoot } from '#host/testing/namespace.ts';
import { exposition } from '#telemetry/exposition.ts';
import { allocateSlots, slotOf } from '#telemetry/slots.ts';
import { writeKernelMetrics } from './metrics.ts';
import { Target } from './targets.ts';
import { until, world } from './testing/world.ts';

const TABLE = '20300';
const NO = { skip: needsRoot };

test('a route by one hop, of both families, as `ip` sees it', NO, async (t) => {
  const w = world(t);
  const routes = await w.open();
  routes.set('203.0.113.0/24', routes.hops([{ device: 'a0', gateway: '192.0.2.2' }]));
  routes.set('2001:db8:1::/48', routes.hops([{ device: 'b0', gateway: '2001:db8:b::2' }]));
  routes.set('203.0.113.7/32', Target.blackhole);
  routes.set('10.9.0.0/16', routes.hops([{ device: 'b0', gateway: '2001:db8:b::2' }]));
  await routes.settled();
  const of4 = w.seen('route', 'show', 'table', TABLE);
  assert.deepEqual(
    of4.map(({ dst, gateway, via, dev, protocol, metric, type }) => ({
      dst,
      gateway,
      via,
      dev,
      protocol,
      metric,
      type,
    })),
    [
      {
        dst: '10.9.0.0/16',
        gateway: undefined,
        via: { family: 'inet6', host: '2001:db8:b::2' },
        dev: 'b0',
        protocol: '203',
        metric: 203,
        type: undefined,
      },
      {
        dst: '203.0.113.0/24',
        gateway: '192.0.2.2',
        via: undefined,
        dev: 'a0',
        protocol: '203',
        metric: 203,
        type: undefined,
      },
      {
        dst: '203.0.113.7',
        gateway: undefined,
        via: undefined,
        dev: undefined,
        protocol: '203',
        metric: 203,
        type: 'blackhole',
      },
    ],
  );
  const [of6] = w.seen('-6', 'route', 'show', 'table', TABLE);
  assert.deepEqual([of6?.['dst'], of6?.['gateway'], of6?.['dev']], ['2001:db8:1::/48', '2001:db8:b::2', 'b0']);
  const slots = allocateSlots();
  writeKernelMetrics(slots, routes.status);
  const shown = exposition([slots]);
  assert.match(shown, /^cloudbridge_kernel_routes_count\{state="installed"\} 4$/m);
  assert.match(shown, /^cloudbridge_kernel_route_changes_total\{change="added"\} 4$/m);
  assert.match(shown, /^cloudbridge_kernel_checks_total 1$/m);
  assert.deepEqual(routes.status.routes, { wanted: 4, installed: 4, conflicting: 0, refused: 0, waiting: 0 });
  routes.complete();
  routes.remove('203.0.113.0/24');
  routes.remove('198.18.0.0/15');
  await routes.settled();
  assert.equal(w.seen('route', 'show', 'table', TABLE).length, 2);
  assert.equal(w.seen('nexthop').length, 1, 'the nexthop that nobody uses is gone');
  await routes.withdraw();
  assert.deepEqual([w.seen('route', 'show', 'table', TABLE), w.seen('nexthop')], [[], []]);
});

test('several hops share the flows by their weights, and a changed group changes all its routes', NO, async (t) => {
  const w = world(t);
  const routes = await w.open();
  const both = routes.hops([
    { device: 'a0', gateway: '192.0.2.2', weight: 3 },
    { device: 'b0', gateway: '198.51.100.2' },
  ]);
  routes.set('203.0.113.0/24', both);
  await routes.settled();
  const [route] = w.seen('route', 'show', 'table', TABLE);
  assert.deepEqual(
    ((route?.['nexthops'] ?? []) as Record<string, unknown>[]).map(({ gateway, dev, weight }) => [
      gateway,
      dev,
      weight,
    ]),
    [
      ['192.0.2.2', 'a0', 3],
      ['198.51.100.2', 'b0', 1],
    ],
  );
  assert.throws(() => routes.hops([{ device: 'a0', weight: 257 }]), { name: 'HopError', message: /1 to 256, not 257/ });
  assert.throws(() => routes.hops([{ device: 'a0', gateway: 'x' }]), { message: 'the gateway x is no IP address' });
});

test('what an earlier process left stays until all is said; then only what differs changes', NO, async (t) => {
  const w = world(t);
  const first = await w.open();
  const a = first.hops([{ device: 'a0', gateway: '192.0.2.2' }]);
  for (const i of [1, 2, 3]) first.set(`10.${i}.0.0/16`, a);
  await first.settled();
  first.close();
  w.ip('route', 'add', '10.8.0.0/16', 'dev', 'b0', 'table', TABLE);
  w.ip('route', 'add', '10.3.0.0/16', 'dev', 'b0', 'table', TABLE, 'metric', '1');
  const before = w.seen('route', 'show', 'table', TABLE);

  const second = await w.open();
  assert.equal(second.status.routes.installed, 3);
  second.set('10.1.0.0/16', second.hops([{ device: 'a0', gateway: '192.0.2.2' }]));
  second.set('10.2.0.0/16', second.hops([{ device: 'b0', gateway: '198.51.100.2' }]));
  await second.settled();
  assert.equal(w.seen('route', 'show', 'table', TABLE).length, before.length);
  second.complete();
  await second.settled();
  assert.deepEqual(second.status.changes, { added: 0, replaced: 1, removed: 1 });
  assert.deepEqual(
    w.seen('route', 'show', 'table', TABLE).map(({ dst, dev, protocol }) => [dst, dev, protocol]),
    [
      ['10.1.0.0/16', 'a0', '203'],
      ['10.2.0.0/16', 'b0', '203'],
      ['10.3.0.0/16', 'b0', undefined],
      ['10.8.0.0/16', 'b0', undefined],
    ],
  );
});

test('a foreign route in our place is left alone; ours comes when it goes', NO, async (t) => {
  const w = world(t);
  w.ip('route', 'add', '10.1.0.0/16', 'dev', 'b0', 'table', TABLE, 'metric', '203', 'protocol', 'static');
  const routes = await w.open();
  routes.complete();
  routes.set('10.1.0.0/16', routes.hops([{ device: 'a0', gateway: '192.0.2.2' }]));
  await routes.settled();
  assert.equal(routes.status.routes.conflicting, 1);
  routes.remove('10.1.0.0/16');
  await routes.settled();
  assert.deepEqual(
    w.seen('route', 'show', 'table', TABLE).map(({ dev, protocol }) => [dev, protocol]),
    [['b0', 'static']],
  );
  routes.set('10.1.0.0/16', routes.hops([{ device: 'a0', gateway: '192.0.2.2' }]));
  await routes.settled();
  w.ip('route', 'delete', '10.1.0.0/16', 'table', TABLE);
  await until('ours is there', () => w.seen('route', 'show', 'table', TABLE)[0]?.['dev'] === 'a0');
  assert.equal(routes.status.routes.conflicting, 0);
});

test('what somebody removes of ours is mended: routes, nexthops, rules', NO, async (t) => {
  const w = world(t);
  const routes = await w.open();
  routes.complete();
  const a = routes.hops([{ device: 'a0', gateway: '192.0.2.2' }]);
  routes.set('10.1.0.0/16', a);
  routes.set('10.2.0.0/16', a);
  routes.steer([{ order: 0, family: 4, from: '10.0.0.0/8', table: 20_300 }]);
  await routes.settled();
  const there = (): boolean =>
    w.seen('route', 'show', 'table', TABLE).length === 2 && w.seen('rule').some(({ priority }) => priority === 20_300);
  assert.ok(there());
  w.ip('route', 'delete', '10.1.0.0/16', 'table', TABLE);
  w.ip('rule', 'delete', 'priority', '20300');
  await until('route and rule are back', there);
  w.ip('nexthop', 'delete', 'id', String(a));
  assert.ok(!there());
  await until('the nexthop and its routes are back', there);
});

test(
  'the routes of a link that goes down are gone at once, those by others stay; all are back with the link',
  NO,
  async (t) => {
    const w = world(t);
    const links: [string, boolean][] = [];
    const routes = await w.open({ onLink: (device, usable) => links.push([device, usable]) });
    routes.complete();
    const a = routes.hops([{ device: 'a0', gateway: '192.0.2.2' }]);
    const both = routes.hops([
      { device: 'a0', gateway: '192.0.2.2' },
      { device: 'b0', gateway: '198.51.100.2' },
    ]);
    routes.set('10.1.0.0/16', a);
    routes.set('10.2.0.0/16', both);
    await routes.settled();
    const ways = (): string[] =>
      w.seen('route', 'show', 'table', TABLE).map(({ dst, dev, nexthops }) => {
        const hops = nexthops as { dev: string }[] | undefined;
        return `${dst} ${hops === undefined ? dev : hops.map((hop) => hop.dev).join('+')}`;
      });
    const whole = ['10.1.0.0/16 a0', '10.2.0.0/16 a0+b0'];
    await until('both are there', () => ways().join() === whole.join());
    // The peer of a veth that is down takes the carrier away.
    for (const [down, up] of [
      [
        ['link', 'set', 'a0', 'down'],
        ['link', 'set', 'a0', 'up'],
      ],
      [
        ['link', 'set', 'a1', 'down'],
        ['link', 'set', 'a1', 'up'],
      ],
    ] as const) {
      links.length = 0;
      w.ip(...down);
      await until('routes by a0 are gone', () => ways().join() === '10.2.0.0/16 b0');
      await until('it is told', () => links.some(([device, usable]) => device === 'a0' && !usable));
      w.ip(...up);
      await until('they are back', () => ways().join() === whole.join());
      await until('that is told, too', () => links.some(([device, usable]) => device === 'a0' && usable));
    }
  },
);

test('a hop that is missing in a group is named, though the others lead on', NO, async (t) => {
  const w = world(t);
  const routes = await w.open();
  routes.complete();
  routes.set('10.1.0.0/16', routes.hops([{ device: 'a0' }, { device: 'late' }]));
  await routes.settled();
  const { unreachable, missing } = routes.status.nextHops;
  assert.deepEqual([unreachable, missing], [0, ['late: no such device']]);
  const slots = allocateSlots();
  writeKernelMetrics(slots, routes.status);
  assert.equal(slots[slotOf('cloudbridge_kernel_missing_hops_count', {})], 1);
  w.ip('link', 'add', 'late', 'type', 'veth', 'peer', 'name', 'latep');
  await until('it is there, and down', () => routes.status.nextHops.missing[0] === 'late: the device is not up');
  for (const end of ['late', 'latep']) w.ip('link', 'set', end, 'up');
  await until('it is up', () => routes.status.nextHops.missing.length === 0);
});

test('a gateway that is on no link is waited for; a device that comes again has its routes again', NO, async (t) => {
  const w = world(t);
  const routes = await w.open();
  routes.complete();
  routes.set('2001:db8:1::/48', routes.hops([{ device: 'a0', gateway: '2001:db8:a::2' }]));
  routes.set('10.1.0.0/16', routes.hops([{ device: 'late' }]));
  routes.set('10.2.0.0/16', Target.unreachable);
  await routes.settled();
  const of6 = (): number => w.seen('-6', 'route', 'show', 'table', TABLE).length;
  assert.equal(of6(), 1);
  assert.deepEqual(routes.status.nextHops.unreachable, 1);
  // The kernel takes IPv6 addresses from a link that is set down.
  w.ip('link', 'set', 'a0', 'down');
  w.ip('link', 'set', 'a0', 'up');
  await until('the kernel refuses the gateway', () => routes.status.lastRefusal !== undefined);
  assert.equal(routes.status.lastRefusal, 'EHOSTUNREACH');
  assert.equal(of6(), 0);
  w.ip('address', 'add', '2001:db8:a::1/64', 'dev', 'a0', 'nodad');
  await until('the route is back', () => of6() === 1);
  const of4 = (): number => w.seen('route', 'show', 'table', TABLE).length;
  for (const round of [1, 2]) {
    w.ip('link', 'add', 'late', 'type', 'veth', 'peer', 'name', 'latep');
    for (const end of ['late', 'latep']) w.ip('link', 'set', end, 'up');
    await until(`it is there in round ${round}`, () => of4() === 2);
    w.ip('link', 'delete', 'late');
    await until(`it is gone in round ${round}`, () => of4() === 1 && routes.status.nextHops.unreachable === 1);
  }
});

test('rules steer by source and destination into tables of their own', NO, async (t) => {
  const w = world(t);
  const own = {
    protocol: 203,
    tables: [20_300, 20_301],
    tableRange: [20_300, 20_309],
    metric: 203,
    priorities: [20_300, 20_309],
    nextHops: [203_000_000, 203_000_999],
  } as const;
  const routes = await w.open({ ownership: own });
  routes.complete();
  routes.set('0.0.0.0/0', routes.hops([{ device: 'a0', gateway: '192.0.2.2' }]));
  routes.set('0.0.0.0/0', routes.hops([{ device: 'b0', gateway: '198.51.100.2' }]), 20_301);
  routes.set('::/0', routes.hops([{ device: 'b0', gateway: '2001:db8:b::2' }]), 20_301);
  routes.steer([
    { order: 1, family: 4, from: '192.0.2.0/24', table: 20_301 },
    { order: 2, family: 4, to: '203.0.113.0/24', table: 20_300 },
    { order: 2, family: 6, to: '2001:db8:99::/48', table: 20_301 },
  ]);
  await routes.settled();
  const way = (...args: string[]): unknown => w.seen('route', 'get', ...args)[0]?.['dev'];
  assert.equal(way('203.0.113.1'), 'a0');
  assert.equal(way('203.0.113.1', 'from', '192.0.2.1'), 'b0');
  assert.equal(way('2001:db8:99::1'), 'b0');
  assert.throws(() => w.ip('route', 'get', '198.18.0.1'), /unreachable/);
  w.ip('rule', 'add', 'from', '10.0.0.0/8', 'table', '7', 'priority', '20305');
  routes.steer([]);
  await routes.settled();
  assert.deepEqual(
    w.seen('rule').map(({ priority }) => priority),
    [0, 20_305, 32_766, 32_767],
  );
  assert.throws(() => routes.steer([{ order: 10, family: 4, table: 20_300 }]), {
    message: /order of a rule is from 0 to 9, not 10/,
  });
  assert.throws(() => routes.steer([{ order: 0, family: 6, from: '10.0.0.0/8', table: 1 }]), {
    message: /no prefix of IPv6/,
  });
});
