import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { z } from 'zod';
import { ip } from '#host/testing/namespace.ts';
import { parseToml } from '#settings/toml-file.ts';
import { RoutingFile } from './routing-config.ts';
import { startHub } from './testing/control-plane.ts';
import { needsNamespaces, World } from './testing/world.ts';

const NO = { skip: needsNamespaces };

const ROUTING = `
[routing]
rules = [{ from = "10.0.0.0/8", table = 20301 }, { to = "2001:db8:99::/48" }]
routes = [
  { prefix = "198.18.0.0/15", table = 20301, via = [{ device = "out", gateway = "203.0.113.10", weight = 2 }, { device = "later" }] },
  { prefix = "2001:db8:99::/48", via = [{ device = "out", gateway = "2001:db8:f::10" }] },
  { prefix = "198.51.100.0/24", refuse = "prohibit" },
]
`;

const made = async (t: TestContext): Promise<World> => {
  const world = new World(t);
  await world.network();
  await world.configure({ static: ROUTING });
  return world;
};

test("a worker's own routes and rules are in the kernel while it runs, and are told of", NO, async (t) => {
  const world = await made(t);
  const seen = (...args: string[]): Record<string, unknown>[] =>
    JSON.parse(ip('-n', world.workerNamespace, '-j', ...args) || '[]');
  const gateway = (...args: string[]): unknown => seen('route', 'get', ...args)[0]?.['gateway'];
  await world.startWorker();
  assert.equal(gateway('198.18.0.1', 'from', '10.1.1.1', 'iif', 'lo'), '203.0.113.10');
  assert.equal(gateway('2001:db8:99::1'), '2001:db8:f::10');
  const table = await world.command('routes');
  assert.match(table, /routes +3 of 3, 0 waiting\n/);
  assert.match(table, /rules +2 of 2\n/);
  assert.equal(await world.metric('cloudbridge_kernel_routes_count{state="installed"}'), 3);
  // A device that comes later takes its share.
  ip('-n', world.workerNamespace, 'link', 'add', 'later', 'type', 'veth', 'peer', 'name', 'laterp');
  for (const end of ['later', 'laterp']) ip('-n', world.workerNamespace, 'link', 'set', end, 'up');
  const hops = (): number => {
    const [route] = seen('route', 'show', 'table', '20301');
    return ((route?.['nexthops'] ?? []) as unknown[]).length;
  };
  await world.until('both hops are there', () => hops() === 2);
  // Killed, it leaves them; started again, it takes them over and removes them at the end.
  await world.endWorker('SIGKILL');
  assert.equal(hops(), 2);
  await world.startWorker();
  const { changes } = JSON.parse(await world.command('routes', '--json'));
  assert.deepEqual(changes, { added: 0, replaced: 0, removed: 0 });
  assert.equal(await world.endWorker('SIGTERM'), 0);
  assert.equal(hops(), 0);
  assert.deepEqual(
    [
      seen('nexthop'),
      seen('rule').filter(({ protocol }) => protocol === '203'),
      seen('-6', 'route', 'show', 'table', '20300'),
    ],
    [[], [], []],
  );
});

test('routes of a table that the file names no more go at the next start, and nothing else does', NO, async (t) => {
  const world = await made(t);
  const inside = (...args: string[]): string => ip('-n', world.workerNamespace, ...args);
  const seen = (family: '-4' | '-6'): string[] =>
    JSON.parse(inside('-j', family, 'route', 'show', 'table', 'all', 'proto', '203') || '[]')
      .map(({ table = 'main', dst }: { table?: string; dst: string }) => `${table} ${dst}`)
      .filter((line: string) => !line.startsWith('main '))
      .sort();
  await world.startWorker();
  await world.endWorker('SIGKILL');
  // What an earlier file had: of both families, by a nexthop and without one.
  for (const route of ['blackhole 10.61.0.0/24', '10.62.0.0/24 dev out', 'unreachable 2001:db8:61::/48'])
    inside('route', 'add', ...route.split(' '), 'table', '20399', 'proto', '203', 'metric', '203');
  // And what is not ours: another protocol, another metric, or a table that is outside of the range.
  const others = [
    'blackhole 10.63.0.0/24 table 20399 proto 202 metric 203',
    'blackhole 10.63.1.0/24 table 20399 proto 203 metric 7',
    'blackhole 10.63.2.0/24 table 20400 proto 203 metric 203',
    'blackhole 10.63.3.0/24 table 20299 proto 203 metric 203',
  ];
  for (const route of others) inside('route', 'add', ...route.split(' '));
  await world.configure({ static: '[routing]\nroutes = [{ prefix = "198.51.100.0/24", refuse = "prohibit" }]\n' });
  await world.startWorker();
  const kept = ['20299 10.63.3.0/24', '20399 10.63.1.0/24', '20400 10.63.2.0/24'];
  assert.deepEqual([seen('-4'), seen('-6')], [['20300 198.51.100.0/24', ...kept].sort(), []]);
  assert.match(inside('route', 'show', 'table', '20399', 'proto', '202'), /^blackhole 10\.63\.0\.0\/24/);
  // The kernel itself removes what leads by a nexthop that goes.
  assert.ok((await world.metric('cloudbridge_kernel_route_changes_total{change="removed"}')) >= 3);
  assert.equal(await world.endWorker('SIGTERM'), 0);
  assert.deepEqual([seen('-4'), seen('-6')], [kept, []]);
});

const OVER_UPLINKS = `
[routing]
rules = [{ from = "10.0.0.0/8" }, { from = "fd00::/8" }]
routes = [{ prefix = "0.0.0.0/0", uplinks = true }, { prefix = "::/0", uplinks = true }]
`;

interface KernelHop {
  readonly id: number;
  readonly dev?: string;
  readonly gateway?: string;
  readonly group?: readonly { readonly id: number; readonly weight?: number }[];
}

test('the uplinks of the API share the flows by their weights, in a nexthop group of the kernel', NO, async (t) => {
  const world = new World(t);
  await world.network();
  await world.configure({ top: '[bgp]\nrouter_id = "203.0.113.1"\nstep_seconds = 0' });
  writeFileSync(world.configFile, readFileSync(world.configFile, 'utf8').replace('[admin]', `${OVER_UPLINKS}[admin]`));
  const { send, ...hub } = await startHub(t, world);
  const inside = (...args: string[]): string => ip('-n', world.workerNamespace, ...args);
  // A second way out, to the same router.
  inside('link', 'add', 'two', 'type', 'veth', 'peer', 'name', 'twop', 'netns', world.internetNamespace);
  inside('link', 'set', 'two', 'up');
  inside('address', 'add', '192.0.3.1/24', 'dev', 'two');
  ip('-n', world.internetNamespace, 'link', 'set', 'twop', 'up');
  ip('-n', world.internetNamespace, 'address', 'add', '192.0.3.10/24', 'dev', 'twop');
  const good = async (...request: Parameters<typeof send>): Promise<void> => {
    const { status = 0, json } = await send(...request);
    assert.ok(status >= 200 && status < 300, JSON.stringify(json));
  };
  await good('POST', '/v1/pops', { id: 'test' });
  await good('POST', '/v1/pops/test/workers', { id: 'w1' });
  const uplinks = '/v1/pops/test/uplinks';
  const one = { id: 'one', device: 'out', gateways: ['203.0.113.10', '2001:db8:f::10'], weight: 3 };
  await good('POST', uplinks, one);
  const two = { id: 'two', device: 'two', gateways: ['192.0.3.10'], probeAddresses: ['192.0.3.10'] };
  await good('POST', uplinks, two);
  world.control(hub);
  await world.startWorker();
  /** Hops of the default route in our table, as `gateway*weight`. */
  const hops = (...family: string[]): string => {
    const all: KernelHop[] = JSON.parse(inside('-j', 'nexthop') || '[]');
    const [route] = JSON.parse(inside('-j', ...family, 'route', 'show', 'table', '20300') || '[]') as {
      nhid?: number;
    }[];
    const byId = new Map(all.map((hop) => [hop.id, hop]));
    const hop = byId.get(route?.nhid ?? 0);
    const members = hop?.group ?? (hop === undefined ? [] : [{ id: hop.id }]);
    return members.map(({ id, weight = 1 }) => `${byId.get(id)?.gateway}*${weight}`).join(' ');
  };
  const are = (wanted: string) =>
    world.until(wanted, () => hops() === wanted).catch((error: Error) => assert.fail(`${hops()}: ${error.message}`));
  await are('203.0.113.10*3 192.0.3.10*1');
  assert.equal(hops('-6'), '2001:db8:f::10*1', 'the other one has no gateway of IPv6');
  // Flows of the kernel: three of four by the first one.
  const ways = Array.from({ length: 400 }, (_, i) => {
    const [route] = JSON.parse(
      inside('-j', 'route', 'get', `198.18.${i >> 7}.${i & 127}`, 'from', '10.1.1.1', 'iif', 'lo'),
    ) as { dev: string }[];
    return route?.dev;
  });
  const share = ways.filter((device) => device === 'out').length / ways.length;
  assert.ok(share > 0.6 && share < 0.9, `${share}`);
  await good('PATCH', `${uplinks}/one`, { weight: 2 });
  await good('PATCH', `${uplinks}/two`, { weight: 7 });
  await are('203.0.113.10*2 192.0.3.10*7');
  // It has carrier, and answers nothing.
  ip('-n', world.internetNamespace, 'address', 'del', '192.0.3.10/24', 'dev', 'twop');
  await are('203.0.113.10*1');
  assert.equal(await world.metric('cloudbridge_anycast_failed_uplinks_count'), 1);
  assert.match(await world.command('status'), /uplink two +leads nowhere\n/);
  ip('-n', world.internetNamespace, 'address', 'add', '192.0.3.10/24', 'dev', 'twop');
  await are('203.0.113.10*2 192.0.3.10*7');
  await good('DELETE', `${uplinks}/one`);
  await are('192.0.3.10*1');
  // The last one is kept, whatever is heard of it.
  ip('-n', world.internetNamespace, 'address', 'del', '192.0.3.10/24', 'dev', 'twop');
  await world.until(
    'it has failed',
    async () => (await world.metric('cloudbridge_anycast_failed_uplinks_count')) === 1,
  );
  assert.equal(hops(), '192.0.3.10*1');
  await good('DELETE', `${uplinks}/two`);
  await are('');
  assert.equal(await world.endWorker('SIGTERM'), 0);
  assert.equal(inside('nexthop'), '');
});

test('a worker without routes of its own says so', NO, async (t) => {
  const world = new World(t);
  await world.network();
  await world.configure();
  await world.startWorker();
  await assert.rejects(world.command('routes'), /its file has no \[routing\]/);
});

test('what cannot be meant is refused with its place', () => {
  const file = z.strictObject({ routing: RoutingFile });
  const wrong = (routing: string): string => {
    try {
      parseToml(file, `[routing]\n${routing}`, 'w.toml');
    } catch (error) {
      return (error as Error).message;
    }
    return assert.fail(`it was taken: ${routing}`);
  };
  const via = 'via = [{ device = "a" }]';
  for (const [routing, message] of [
    ['routes = [{ prefix = "10.0.0.0/8" }]', /routing\.routes\.0: must have either via, uplinks or refuse/],
    [`routes = [{ prefix = "10.0.0.0/8", ${via}, refuse = "prohibit" }]`, /must have either via, uplinks or refuse/],
    [`routes = [{ prefix = "10.0.0.0/8", ${via}, uplinks = true }]`, /must have either via, uplinks or refuse/],
    ['routes = [{ prefix = "10.0.0.0/8", uplinks = false }]', /routing\.routes\.0\.uplinks/],
    ['routes = [{ prefix = "10.0.0.0/8", refuse = "drop" }]', /routing\.routes\.0\.refuse/],
    [`routes = [{ prefix = "10.0.0.1/8", ${via} }]`, /routing\.routes\.0\.prefix: must be a prefix/],
    [`routes = [{ prefix = "10.0.0.0/8", table = 254, ${via} }]`, /must not be 253, 254 or 255/],
    ['routes = [{ prefix = "::/0", via = [{ device = "a", gateway = "10.0.0.1" }] }]', /gateways of IPv6/],
    ['routes = [{ prefix = "::/0", via = [{ device = "a", weight = 257 }] }]', /via\.0\.weight/],
    [
      `routes = [{ prefix = "::/0", ${via} }, { prefix = "::/0", ${via} }]`,
      /one route at most for a prefix in a table/,
    ],
    // The same place, said in two ways.
    [
      `routes = [{ prefix = "::/0", ${via} }, { prefix = "::/0", table = 20300, ${via} }]`,
      /one route at most for a prefix in a table/,
    ],
    [
      `routes = [{ prefix = "2001:db8::/32", ${via} }, { prefix = "2001:DB8:0::/32", ${via} }]`,
      /one route at most for a prefix in a table/,
    ],
    ['rules = [{ table = 7 }]', /routing\.rules\.0: must have from or to/],
    ['rules = [{ from = "10.0.0.0/8", to = "::/0" }]', /from and to of one family/],
    [`rules = [${'{ from = "::/0" },'.repeat(101)}]`, /routing\.rules/],
  ] as const) {
    assert.match(wrong(routing), message);
  }
});

test('the examples of the manual are right', () => {
  const manual = readFileSync(new URL('../docs/routes.md', import.meta.url), 'utf8');
  const shown = [...manual.matchAll(/```toml\n(.*?)```/gs)].map(([, example = '']) => example);
  const counts = shown.map((example) => {
    const { routing } = parseToml(z.strictObject({ routing: RoutingFile }), example, 'w.toml');
    return [routing.routes.length, routing.rules.length];
  });
  assert.deepEqual(counts, [
    [2, 2],
    [1, 1],
  ]);
});
