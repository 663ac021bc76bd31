import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { inNamespace, ip } from '#host/testing/namespace.ts';
import { askWorker } from '#pop-worker/admin/client.ts';
import type { WorkerAnycastStatus } from '#pop-worker/anycast/worker-anycast.ts';
import { linkLocal } from '#pop-worker/routing/bfd/testing/link.ts';
import { reachableAddress } from '#pop-worker/routing/bgp/link-address.ts';
import { BgpSide } from '#pop-worker/routing/bgp/testing/side.ts';
import { NO_CAPABILITIES, Role } from '#protocol/bgp/wire/capabilities/definition.ts';
import { Family } from '#protocol/bgp/wire/families.ts';
import { INTERNET4, needsNamespaces, World } from './testing/world.ts';

const OURS = '203.0.113.1';
const MOST = 3;
const prefixOf = (i: number): string => `10.77.${i}.0/24`;
const ROUTING = {
  prefixes: [{ id: 'v4', prefix: '192.0.2.0/24' }],
  neighbors: [
    { pop: 'test', id: 'transit', address: INTERNET4, remoteAsn: 64_500, role: 'BGP_ROLE_PROVIDER', maxPrefixes: MOST },
  ],
};

test('a neighbour of a worker is told its role, gets nothing taken, may announce so much and no more, and that may change', {
  skip: needsNamespaces,
}, async (t) => {
  const world = new World(t);
  await world.network();
  writeFileSync(path.join(world.folder, 'routing.json'), JSON.stringify(ROUTING));
  await world.configure({
    top: `[bgp]\nrouter_id = "${OURS}"\nstep_seconds = 0`,
    static: 'routing = "routing.json"',
  });
  const { internetNamespace: namespace } = world;
  const end = { namespace, path: `/run/netns/${namespace}`, address4: INTERNET4, address6: '::' };
  const originate = Array.from({ length: MOST }, (_, i) => ({ prefix: prefixOf(i) }));
  const router = new BgpSide(t, end, 64_500, { originate });
  const worker = { end: { ...end, address4: OURS }, as: 64_512 } as unknown as BgpSide;
  const capabilities = { ...NO_CAPABILITIES, families: [Family.ipv4Unicast], fourOctetAs: 64_500, role: Role.provider };
  router.add(worker, {
    tcp: { hopLimit: 255, leastHopLimit: 255 },
    // Without the other role it is no session (RFC 9234 §4.2).
    session: { capabilities, isRoleStrict: true },
  });
  await world.startWorker();
  await router.up();
  assert.equal((await router.status()).session?.remoteRole, Role.customer);
  const transit = async () => {
    const { anycast } = (await askWorker(world.socket, 'status')) as { anycast: WorkerAnycastStatus };
    return anycast.neighbors[0];
  };
  const routes = async () => (await transit())?.routes['ipv4-unicast'];
  await world.until('all have come', async () => (await routes())?.received === MOST);
  assert.equal((await routes())?.accepted, 0, 'and none is taken');
  await world.until('our own is told', async () => (await routes())?.told === 1);
  assert.doesNotMatch(ip('-n', world.workerNamespace, 'route', 'show', 'table', 'all'), /10\.77\./);
  assert.equal((await transit())?.sessions, 1);
  const limit = (maxPrefixes: number): void => {
    const neighbors = ROUTING.neighbors.map((one) => ({ ...one, maxPrefixes }));
    const prefixes = [...ROUTING.prefixes, { id: 'more', prefix: '192.0.3.0/24' }];
    writeFileSync(path.join(world.folder, 'routing.json'), JSON.stringify({ prefixes, neighbors }));
    world.worker?.kill('SIGHUP');
  };
  limit(MOST + 1);
  await world.until('the file was read', async () => (await routes())?.told === 2);
  router.thread.post({ type: 'originate', origin: { prefix: prefixOf(MOST) } });
  await world.until('one more comes with a higher limit', async () => (await routes())?.received === MOST + 1);
  assert.equal((await transit())?.sessions, 1, 'and the session has stayed');
  router.thread.post({ type: 'originate', origin: { prefix: prefixOf(MOST + 1) } });
  await world.until('one more is too many', () =>
    router.endings.some((text) => /received Cease, Maximum Number of Prefixes/.test(text)),
  );
  assert.ok(((await transit())?.heldBackSeconds ?? 0) > 0);
  limit(MOST + 2);
  await world.until('it is taken at once', async () => (await routes())?.received === MOST + 2);
  const [one] = ROUTING.neighbors;
  writeFileSync(
    path.join(world.folder, 'routing.json'),
    JSON.stringify({
      ...ROUTING,
      neighbors: [
        { ...one, maxPrefixes: MOST + 2 },
        { ...one, id: 'self', address: OURS },
      ],
    }),
  );
  world.worker?.kill('SIGHUP');
  await world.until('the one that is ourselves is refused', async () => {
    return (await world.metric('cloudbridge_anycast_refused_neighbors_count')) === 1;
  });
  assert.match(await world.command('status'), /BGP self +refused: 203\.0\.113\.1 is an address of this machine/);
  limit(MOST);
  await world.until('what is there is too much', async () => ((await transit())?.heldBackSeconds ?? 0) > 0);
  // By a word at the worker's own socket it is had again, and an order to serve leaves it held back.
  for (const i of [MOST, MOST + 1]) router.thread.post({ type: 'withdraw', prefix: prefixOf(i) });
  await askWorker(world.socket, 'undrain');
  assert.ok(((await transit())?.heldBackSeconds ?? 0) > 0);
  const retry = (name: string) => world.cloudbridge('bgp', 'retry', name, '--socket', world.socket);
  assert.match(
    await retry('transit'),
    /^held back +no more, it would have been for 5\d\d s$|^held back +no more, it would have been for 600 s$/m,
  );
  await world.until('it is had again', async () => (await routes())?.received === MOST);
  assert.match(await retry('transit'), /^held back +it was not$/m);
  const nobody = askWorker(world.socket, 'bgp-retry', { more: { neighbor: 'x' } });
  await assert.rejects(nobody, /there is no neighbour x: there is transit/);
});

test('an unnumbered neighbour is told a global next hop, or our link-local address alone where it is to be so', {
  skip: needsNamespaces,
}, async (t) => {
  const world = new World(t);
  await world.network();
  const { internetNamespace: namespace, workerNamespace } = world;
  const endOf = (name: string, device: string) => {
    return { namespace: name, path: `/run/netns/${name}`, device, address4: OURS, address6: '::' };
  };
  const [ours, theirs] = [linkLocal(endOf(workerNamespace, 'out')), linkLocal(endOf(namespace, 'in'))];
  const routing = path.join(world.folder, 'routing.json');
  const told = (linkLocalNextHop: boolean): void => {
    const neighbor = {
      pop: 'test',
      id: 'unnumbered',
      address: `${theirs.host}%out`,
      remoteAsn: 64_500,
      linkLocalNextHop,
    };
    writeFileSync(
      routing,
      JSON.stringify({ prefixes: [{ id: 'v6', prefix: '2001:db8:a::/48' }], neighbors: [neighbor] }),
    );
  };
  told(false);
  await world.configure({
    top: `[bgp]\nrouter_id = "${OURS}"\nstep_seconds = 0`,
    static: 'routing = "routing.json"',
  });
  const router = new BgpSide(t, { ...endOf(namespace, 'in'), address4: INTERNET4 }, 64_500);
  const worker = { end: endOf(workerNamespace, 'out'), as: 64_512 } as unknown as BgpSide;
  router.add(worker, {
    address: inNamespace(`/run/netns/${namespace}`, () => reachableAddress(`${ours.host}%in`)) ?? '',
    device: 'in',
    tcp: { hopLimit: 255, leastHopLimit: 255 },
    session: { capabilities: { ...NO_CAPABILITIES, families: [Family.ipv6Unicast], fourOctetAs: 64_500 } },
    routes: { nextHop4: undefined, nextHop6: undefined },
  });
  await world.startWorker();
  const hopIs = (expected: string): Promise<void> =>
    world.until(`its next hop is ${expected}`, async () => {
      const { routes } = await router.thread.list({ prefix: '2001:db8:a::/48', isBest: true });
      return routes[0]?.nextHop === expected;
    });
  await hopIs(`2001:db8:f::1 ${ours.host}`);
  told(true);
  world.worker?.kill('SIGHUP');
  await hopIs(ours.host);
});
