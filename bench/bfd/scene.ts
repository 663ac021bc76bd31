import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { birdConfiguration, birdTiming, INTERVAL_MS, MULTIPLIER, sessionWith } from '#interop/bfd/scene.ts';
import { type Bird, withBird } from '#interop/implementations/bird.ts';
import { askWorker } from '#pop-worker/admin/client.ts';
import type { BfdPathStatus, BfdStatus } from '#pop-worker/routing/bfd/service.ts';
import { withIdentity } from '../harness/identity.ts';
import { goodputOf, iperfClient, iperfServer } from '../harness/iperf.ts';
import { BEYOND_PREFIX, type Chain, withChain } from '../harness/network.ts';
import { type Program, withPrograms } from '../harness/program.ts';
import { connect, worker } from '../implementations/product.ts';

export const DEVICE = 'veth0';
export const DETECTION_MS = INTERVAL_MS * MULTIPLIER;
const LINK_MTU = 1500;
const INSIDE = { device: 'tunnel0', mtu: 1400, network: '10.64.0.0/24', proxy: '10.64.0.1', client: '10.64.0.2' };
const COLLECT = fileURLToPath(new URL('collect.ts', import.meta.url));
const UP_MS = 30_000;
const LOOK_MS = 20;
const MARGIN_MS = 30_000;

/** A worker that carries a tunnel and collects garbage in all threads, and BIRD, which has BFD with it. */
export interface BusyWorker {
  readonly bird: Bird;
  readonly chain: Chain;
  /** What the worker says of its path to BIRD. */
  path(): Promise<BfdPathStatus>;
  /** What BIRD says of its own. */
  session(): Promise<{ readonly isUp: boolean; readonly sinceMs: number; readonly timeoutSeconds: number }>;
  /** Both say Up, and how long they wait for the other. */
  bothUp(): Promise<void>;
  /** TCP down the tunnel for so long. @returns what ends with it: Gbit/s */
  load(seconds: number): Promise<number>;
  /** Collections of all threads but that of BFD so far. */
  collections(): number;
}

const settings = ({ server, client }: Chain): string => `
[[bfd.neighbours]]
local = "${server.address}"
remote = "${client.address}"
device = "${DEVICE}"
interval_ms = ${INTERVAL_MS}
multiplier = ${MULTIPLIER}
`;

const collectionsIn = (folder: string): number =>
  readdirSync(folder).reduce((sum, name) => sum + Number(readFileSync(path.join(folder, name), 'utf8')), 0);

/** Needs root. @throws PeerMissing */
export const withBusyWorker = <T>(work: (scene: BusyWorker) => Promise<T>): Promise<T> =>
  withIdentity((identity, folder) =>
    withChain(LINK_MTU, (chain) => {
      const { server, client, beyond } = chain;
      const neighbour = `${server.address} dev "${DEVICE}" local ${client.address}`;
      return withBird(client.namespace, birdConfiguration(birdTiming(INTERVAL_MS), [neighbour]), (bird) =>
        withPrograms(async (start) => {
          const order = { ...INSIDE, identity, folder, address: server.address, port: 443, route: BEYOND_PREFIX };
          const counts = path.join(folder, 'collections');
          mkdirSync(counts);
          const spec = await worker({ ...order, settings: settings(chain) });
          const env = { NODE_OPTIONS: `--import ${COLLECT}`, CBR_BENCH_COLLECT: counts };
          await start({ ...spec, env }, server).ready;
          await start(await connect(order), client).ready;
          await start(await iperfServer(beyond.address), beyond).ready;
          return work(sceneOf({ bird, chain, folder, counts, start }));
        }),
      );
    }),
  );

interface SceneParts {
  readonly bird: Bird;
  readonly chain: Chain;
  readonly folder: string;
  readonly counts: string;
  readonly start: (spec: ConstructorParameters<typeof Program>[0], place: object) => Program;
}

const sceneOf = ({ bird, chain, folder, counts, start }: SceneParts): BusyWorker => {
  const statusOf = async (): Promise<BfdPathStatus> => {
    const { bfd } = (await askWorker(path.join(folder, 'admin.sock'), 'status')) as { readonly bfd: BfdStatus };
    const [only] = bfd.paths;
    if (only === undefined) throw new Error('The worker has no path to BIRD.');
    return only;
  };
  const session = async () => {
    const found = await sessionWith(bird, chain.server.address);
    const { state, sinceMs = Number.NaN, timeoutSeconds = 0 } = found ?? {};
    return { isUp: state === 'Up', sinceMs, timeoutSeconds };
  };
  return {
    ...{ bird, chain, path: statusOf, session, collections: () => collectionsIn(counts) },
    bothUp: async () => {
      for (const end = performance.now() + UP_MS; ; await sleep(LOOK_MS)) {
        const [ours, theirs] = [await statusOf(), await session()];
        const isFast = ours.detectionMs === DETECTION_MS && theirs.timeoutSeconds === DETECTION_MS / 1000;
        if (ours.state === 'up' && theirs.isUp && isFast) return;
        if (performance.now() > end) throw new Error(`BFD is not up in ${UP_MS / 1000} s: ${JSON.stringify(ours)}.`);
      }
    },
    load: async (seconds) => {
      const sender = start(await iperfClient(chain.beyond.address, seconds, 'down'), chain.client);
      await sender.finish(seconds * 1000 + MARGIN_MS);
      return goodputOf(sender.output);
    },
  };
};
