import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { ip } from '#host/testing/namespace.ts';
import { askWorker } from '#pop-worker/admin/client.ts';
import type { WorkerAnycastStatus } from '#pop-worker/anycast/worker-anycast.ts';
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

test('a neighbour of a worker is told its role, gets nothing taken, and may announce so much and no more', {
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
  router.thread.post({ type: 'originate', origin: { prefix: prefixOf(MOST) } });
  await world.until('one more is too many', () =>
    router.endings.some((text) => /received Cease, Maximum Number of Prefixes/.test(text)),
  );
  assert.ok(((await transit())?.heldBackSeconds ?? 0) > 0);
});
