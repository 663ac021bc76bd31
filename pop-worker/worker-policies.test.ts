import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { askWorker } from '#pop-worker/admin/client.ts';
import type { PrefixExplained } from '#pop-worker/routing/bgp/explained.ts';
import type { RoutePage } from '#pop-worker/routing/bgp/route-list.ts';
import { BgpSide } from '#pop-worker/routing/bgp/testing/side.ts';
import { startHub } from './testing/control-plane.ts';
import { INTERNET4, needsNamespaces, World } from './testing/world.ts';

const NO = { skip: needsNamespaces };
const OURS = '203.0.113.1';
const FIRST = '192.0.2.0/24';
const SECOND = '192.0.3.0/24';
const PREFIXES = [
  { id: 'first', prefix: FIRST },
  { id: 'second', prefix: SECOND, communities: ['64512:1'] },
];

const DIRECT = { hopLimit: 255, leastHopLimit: 255 };
const WORKER = { end: { namespace: 'worker', address4: OURS }, as: 64_512 } as unknown as BgpSide;

/** A worker, and a router beside it that tells it two routes. */
const made = async (t: TestContext) => {
  const world = new World(t);
  await world.network();
  await world.configure({ top: `[bgp]\nrouter_id = "${OURS}"\nstep_seconds = 0` });
  const { send, ...hub } = await startHub(t, world);
  const good = async (...request: Parameters<typeof send>): Promise<void> => {
    const { status = 0, json } = await send(...request);
    assert.ok(status >= 200 && status < 300, `${request[1]}: ${JSON.stringify(json)}`);
  };
  await good('POST', '/v1/pops', { id: 'test' });
  await good('POST', '/v1/pops/test/workers', { id: 'w1' });
  for (const prefix of PREFIXES) await good('POST', '/v1/prefixes', prefix);
  await good('POST', '/v1/pops/test/bgp-neighbors', { id: 'transit', address: INTERNET4, remoteAsn: 64_500 });
  world.control(hub);
  const { internetNamespace: namespace } = world;
  const end = { namespace, path: `/run/netns/${namespace}`, address4: INTERNET4, address6: '::' };
  const originate = ['198.51.100.0/24', '198.51.101.0/24'].map((prefix) => ({ prefix }));
  const router = new BgpSide(t, end, 64_500, { originate, listen: [{ address: INTERNET4, port: 179 }] });
  router.add(WORKER, { tcp: DIRECT, routes: { nextHop6: undefined } });
  await world.startWorker();
  await router.up();
  /** Prefixes that the router has from the worker, with MED and communities, as its own RIB has them. */
  const heard = async (): Promise<string> => {
    const { routes } = await router.thread.list({ isBest: false });
    const words = routes
      .filter(({ from }) => from !== undefined)
      .map(({ prefix, attributes }) => [prefix, attributes['MULTI_EXIT_DISC'], attributes['COMMUNITIES']].join(' '));
    return words.sort().join('; ').trim();
  };
  const hears = (what: string, wanted: string) =>
    world
      .until(what, async () => (await heard()) === wanted)
      .catch(async (error: Error) => {
        throw new Error(`${what}: it hears ${await heard()}`, { cause: error });
      });
  /** Those of the router that the worker has taken. */
  const taken = async (): Promise<string> => {
    const more = { from: 'transit', best: true };
    const { routes } = (await askWorker(world.socket, 'bgp-routes', { more })) as RoutePage;
    return routes
      .map(({ prefix }) => prefix)
      .sort()
      .join(' ');
  };
  const received = async (type: string): Promise<number> => (await router.status()).received[type] ?? 0;
  const explained = async (prefix: string): Promise<PrefixExplained['routes']> =>
    ((await askWorker(world.socket, 'bgp-explain', { more: { prefix } })) as PrefixExplained).routes;
  return { world, router, good, hears, taken, received, explained };
};

const POLICIES = '/v1/route-policies';
const NEIGHBOR = '/v1/pops/test/bgp-neighbors/transit';
const BOTH = '192.0.2.0/24 0 ; 192.0.3.0/24 0 64512:1';

test('what a neighbour is told follows its policy while the session stays, and is only what changed', NO, async (t) => {
  const { world, router, good, hears, received, explained } = await made(t);
  await hears('without a policy it is told all', BOTH);
  const before = await received('update');
  const set = { addCommunities: ['64512:9'] };
  const second = { name: 'only the second', match: { prefixes: ['@ours'] }, set, end: 'accept' };
  const prefixLists = [{ name: 'ours', prefixes: [SECOND] }];
  await good('POST', POLICIES, { id: 'few', prefixLists, rules: [second] });
  await good('PATCH', NEIGHBOR, { exportPolicy: 'few' });
  await hears('one goes, the other is another', '192.0.3.0/24 0 64512:1 64512:9');
  assert.equal((await received('update')) - before, 2);

  const [route] = await explained(FIRST);
  assert.deepEqual([route?.from, route?.to, route?.explanation.ruleSet], ['own', 'transit', 'few']);
  const [step] = route?.explanation.steps ?? [];
  assert.deepEqual([step?.rule, step?.missed], ['only the second', 'prefix @ours']);
  const table = await world.cloudbridge('bgp', 'route', 'explain', SECOND, '--socket', world.socket);
  assert.match(table, /few › only the second +sets communities 64512:9; then accepts\n/);
  assert.match(table, /worker › as it announces now +sets med 0 where no policy has set one\n/);

  // Another rule of the same policy, for the prefix that was not told: the other one is not told again.
  const first = { match: { prefixes: [FIRST] }, set: { med: 40, addCommunities: ['64512:8'] }, end: 'accept' };
  await good('PATCH', `${POLICIES}/few`, { rules: [second, first] });
  await hears('the first comes back', '192.0.2.0/24 40 64512:8; 192.0.3.0/24 0 64512:1 64512:9');
  assert.equal((await received('update')) - before, 3);
  // Withdrawn and back by an operator's order, it is told by the policy as before.
  await askWorker(world.socket, 'withdraw');
  await hears('nothing', '');
  await askWorker(world.socket, 'undrain');
  await hears('both', '192.0.2.0/24 40 64512:8; 192.0.3.0/24 0 64512:1 64512:9');
  // A policy of another name in place of the old one, which goes.
  await good('POST', POLICIES, { id: 'nothing', rules: [{ end: 'reject' }] });
  await good('PATCH', NEIGHBOR, { exportPolicy: 'nothing' });
  await good('DELETE', `${POLICIES}/few`);
  await hears('nothing', '');
  await good('PATCH', NEIGHBOR, { exportPolicy: '' });
  await hears('all again', BOTH);
  assert.equal((await router.status()).sessions, 1, 'one session all the time');
  assert.equal(await world.metric('cloudbridge_bgp_neighbours_count{state="established"}'), 1);
});

test('what is taken of a neighbour follows its policy without a word to it, and is told nobody', NO, async (t) => {
  const { world, router, good, taken, hears, received, explained } = await made(t);
  await hears('the prefixes', BOTH);
  assert.equal(await taken(), '', 'without a policy nothing');
  await good('POST', POLICIES, { id: 'in', rules: [{ match: { prefixes: ['198.51.101.0/24'] }, end: 'accept' }] });
  await good('PATCH', NEIGHBOR, { importPolicy: 'in' });
  await world.until('one is taken', async () => (await taken()) === '198.51.101.0/24');
  const any = { name: 'any', set: { localPref: 500 }, end: 'accept' };
  await good('PATCH', `${POLICIES}/in`, { rules: [any] });
  await good('PATCH', NEIGHBOR, { exportPolicy: 'in' });
  await world.until('both are', async () => (await taken()) === '198.51.100.0/24 198.51.101.0/24');
  const [incoming] = await explained('198.51.100.0/24');
  assert.deepEqual([incoming?.from, incoming?.explanation.steps[0]?.rule], ['transit', 'any']);
  await good('PATCH', NEIGHBOR, { importPolicy: '', exportPolicy: '' });
  await world.until('and neither', async () => (await taken()) === '');
  await hears('the prefixes all the time', BOTH);
  assert.deepEqual([await received('route_refresh'), (await router.status()).sessions], [0, 1]);
});

test('what others have sent is told no neighbour, though its policy accepts every route', NO, async (t) => {
  const { world, router, good, hears, taken, explained } = await made(t);
  // Another router beside the first one.
  const address4 = '203.0.113.11';
  await world.exec(world.internetNamespace, 'ip', 'address', 'add', `${address4}/24`, 'dev', 'in');
  const other = new BgpSide(t, { ...router.end, address4 }, 64_501, { listen: [{ address: address4, port: 179 }] });
  other.add(WORKER, { localAddress: address4, tcp: DIRECT });
  await good('POST', POLICIES, { id: 'every', rules: [{ end: 'accept' }] });
  await good('PATCH', NEIGHBOR, { importPolicy: 'every', exportPolicy: 'every' });
  const more = { id: 'other', address: address4, remoteAsn: 64_501, exportPolicy: 'every' };
  await good('POST', '/v1/pops/test/bgp-neighbors', more);
  await world.until('both are taken', async () => (await taken()) === '198.51.100.0/24 198.51.101.0/24');
  await other.up();
  await world.until('our own are told', async () => (await other.thread.list({ isBest: true })).routes.length >= 2);
  const { routes } = await other.thread.list({ isBest: false });
  assert.deepEqual(routes.map(({ prefix }) => prefix).sort(), [FIRST, SECOND]);
  const outgoing = (await explained('198.51.100.0/24')).find(({ to }) => to === 'other');
  assert.deepEqual(outgoing?.explanation.steps[0]?.missed, 'from own');
  await hears('nothing else', BOTH);
  assert.equal((await router.status()).sessions, 1);
});

test('policies of a file that cannot be used change nothing, and are told with their place', NO, async (t) => {
  const world = new World(t);
  await world.network();
  const file = path.join(world.folder, 'routing.json');
  const publish = (prefixes: readonly string[]): void => {
    const rules = [{ name: 'few', match: { prefixes }, end: 'accept' }];
    const neighbors = [{ pop: 'test', id: 'transit', address: INTERNET4, remoteAsn: 64_500, exportPolicy: 'few' }];
    writeFileSync(file, JSON.stringify({ prefixes: PREFIXES, neighbors, policies: [{ id: 'few', rules }] }));
    world.worker?.kill('SIGHUP');
  };
  publish([FIRST]);
  await world.configure({ top: `[bgp]\nrouter_id = "${OURS}"\nstep_seconds = 0`, static: 'routing = "routing.json"' });
  await world.startWorker();
  publish(['x']);
  const line = /not read again; what was in force stays.*rules\[0\]\.match\.prefixes: rule \\"few\\" is wrong/;
  await world.until('why', () => line.test(world.log.join('')));
  const accepted = async (): Promise<boolean | undefined> => {
    const more = { prefix: FIRST };
    const { routes } = (await askWorker(world.socket, 'bgp-explain', { more })) as PrefixExplained;
    return routes[0]?.explanation.accepted;
  };
  await world.until('what was in force is', async () => (await accepted()) === true);
});
