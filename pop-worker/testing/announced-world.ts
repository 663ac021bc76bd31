import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { askWorker } from '#pop-worker/admin/client.ts';
import { startThread } from '#pop-worker/routing/bfd/testing/heard.ts';
import { BgpSide } from '#pop-worker/routing/bgp/testing/side.ts';
import type { WorkerStatus } from '#pop-worker/worker-status.ts';
import { INTERNET4, World } from './world.ts';

/** Of the worker, on the link to the router. */
const OURS = '203.0.113.1';
const UP = 'cloudbridge_bfd_sessions_count{state="up"}';

export const ROUTING = {
  prefixes: [
    { id: 'v4', prefix: '192.0.2.0/24', communities: ['64512:1'] },
    { id: 'elsewhere', prefix: '198.51.100.0/24', pops: ['oslo'] },
  ],
  neighbors: [
    { pop: 'test', id: 'transit', address: INTERNET4, remoteAsn: 64_500, bfdIntervalMs: 50, med: 7 },
    { pop: 'oslo', id: 'other', address: '198.51.100.9', remoteAsn: 64_500 },
  ],
  uplinks: [{ pop: 'test', id: 'out', device: 'out', probeAddresses: [INTERNET4] }],
};

export interface AnnouncedOptions {
  readonly nodeArgs?: readonly string[];
  /** Lines of TOML, by table. */
  readonly sections?: NonNullable<Parameters<World['configure']>[0]>;
}

/** A worker with a router beside it that does BGP and BFD; it is announced, and the router has heard of it. */
export const announcedWorld = async (t: TestContext, { nodeArgs = [], sections = {} }: AnnouncedOptions = {}) => {
  const world = new World(t);
  await world.network();
  const routing = path.join(world.folder, 'routing.json');
  writeFileSync(routing, JSON.stringify(ROUTING));
  const bgp = `[bgp]\nrouter_id = "${OURS}"\nstep_seconds = 0`;
  const files = 'routing = "routing.json"';
  await world.configure({ ...sections, top: `${sections.top ?? ''}\n${bgp}`, static: files });
  const end = {
    namespace: world.internetNamespace,
    path: `/run/netns/${world.internetNamespace}`,
    address4: INTERNET4,
    address6: '::',
  };
  const bfd = startThread(t, { namespace: end.path });
  const router = new BgpSide(t, end, 64_500, { bfd: bfd.seat() });
  const worker = { end: { ...end, address4: OURS }, as: 64_512 } as unknown as BgpSide;
  const direct = { hopLimit: 255, leastHopLimit: 255 };
  router.add(worker, { tcp: direct, bfd: { intervalMs: 50, multiplier: 3 }, routes: { export: undefined } });
  world.environment = {
    CBR_TEST_WEDGE: path.join(world.folder, 'wedged'),
    CBR_TEST_WEDGE_BGP: path.join(world.folder, 'wedged-bgp'),
    CBR_TEST_CLOCK: path.join(world.folder, 'jumping'),
  };
  await world.startWorker(nodeArgs);
  const whole = async () => (await askWorker(world.socket, 'status')) as WorkerStatus;
  const status = async () => (await whole()).anycast as NonNullable<WorkerStatus['anycast']>;
  const received = async (): Promise<number> => (await router.status()).received['update'] ?? 0;
  const becomes = (state: string) => world.until(state, async () => (await status()).state === state);
  /** What the router has of the worker: each prefix with its communities. */
  const told = async (): Promise<Record<string, string>> => {
    const { routes } = await router.thread.list({ isBest: false });
    return Object.fromEntries(routes.map(({ prefix, attributes }) => [prefix, attributes['COMMUNITIES'] ?? '']));
  };
  await becomes('announced');
  await router.up();
  // Its route, and the End-of-RIB marker.
  await world.until('the route is told', async () => (await received()) >= 2);
  const bfdUp = () =>
    world.until('BFD is Up, and quick', async () => {
      const { state, detectionMs } = (await router.status()).bfd ?? {};
      return state === 'up' && detectionMs === 150 && (await world.metric(UP)) === 1;
    });
  return { world, router, routing, whole, status, received, told, becomes, bfdUp };
};
