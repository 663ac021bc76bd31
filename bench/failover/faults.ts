import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Journey } from '#lab/journey.ts';
import { addressOf } from '#lab/topology.ts';
import { root } from '#scripts/setup/paths.mjs';

/** Something that happens to a PoP, and what undoes it. */
export interface Fault {
  readonly name: string;
  readonly summary: string;
  /** Most of the interruption over clients and runs, in ms. */
  readonly bars: { readonly p50: number; readonly p99: number };
  /** False: they are brought to another PoP without doing anything for it. */
  readonly clientsAct?: boolean;
  inject(journey: Journey, pop: string): Promise<void>;
  undo(journey: Journey, pop: string): Promise<void>;
}

const CUT = 'table netdev cut';

/** Both ends drop what comes, and have carrier. */
const setCut = async ({ lab }: Journey, pop: string, isCut: boolean): Promise<void> => {
  const ends = [
    ['upstream', `to-${pop}`],
    [pop, 'upstream'],
  ] as const;
  await Promise.all(
    ends.map(([host, device]) => {
      const chain = `chain in { type filter hook ingress device "${device}" priority -500; drop; }`;
      return lab.exec(host, 'nft', ['-f', '-'], { input: isCut ? `${CUT} {\n${chain}\n}\n` : `delete ${CUT}\n` });
    }),
  );
};

/** With `CBR_BENCH_PROFILE`, a folder: options of Node by which a program leaves CPU profiles of its threads there. */
export const profiled = (): string[] => {
  const folder = process.env['CBR_BENCH_PROFILE'];
  return folder === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', folder];
};

const wedgeFile = ({ name }: Journey, pop: string): string => path.join('/tmp', `cloudbridge-${name}-${pop}.wedge`);

/** Preloaded, so that a file can wedge the data-plane threads of a worker: nothing that a production worker has. */
export const startWorker = async (journey: Journey, pop: string): Promise<void> => {
  const preload = path.join(root, 'pop-worker/testing/wedge.ts');
  rmSync(wedgeFile(journey, pop), { force: true });
  const env = { CBR_TEST_WEDGE: wedgeFile(journey, pop) };
  await journey.edge.startWorker(pop, { nodeOptions: ['--import', preload, ...profiled()], env });
};

export const FAULTS: readonly Fault[] = [
  {
    name: 'kill',
    summary: 'the worker of the PoP that all clients are at is killed (-9)',
    bars: { p50: 300, p99: 800 },
    inject: ({ edge }, pop) => edge.workers.get(pop)!.kill(),
    undo: startWorker,
  },
  {
    name: 'silent-cut',
    summary: 'the host of the PoP is cut off: nothing passes its link, which has carrier',
    bars: { p50: 400, p99: 1000 },
    inject: (journey, pop) => setCut(journey, pop, true),
    undo: (journey, pop) => setCut(journey, pop, false),
  },
  {
    name: 'wedge',
    summary: 'the data-plane threads of the worker do nothing any more',
    bars: { p50: 400, p99: 1000 },
    inject: async (journey, pop) => writeFileSync(wedgeFile(journey, pop), ''),
    undo: async (journey, pop) => rmSync(wedgeFile(journey, pop), { force: true }),
  },
  {
    name: 'uplink',
    summary: 'the link between the PoP and its upstream router goes down',
    bars: { p50: 300, p99: 800 },
    inject: async ({ lab }, pop) => void (await lab.exec('upstream', 'ip', ['link', 'set', `to-${pop}`, 'down'])),
    undo: async ({ lab }, pop) => {
      const { upstream } = lab.topology!.links.find(({ host }) => host.host === pop)!;
      // A link that goes down loses its IPv6 addresses.
      const address = `address replace ${upstream.v6} dev ${upstream.device} nodad\n`;
      await lab.configure('upstream', `link set ${upstream.device} up\n${address}`);
    },
  },
  {
    name: 'drain',
    summary: 'the worker is drained: its clients are asked to go elsewhere',
    bars: { p50: 20, p99: 50 },
    inject: ({ edge }, pop) => edge.order(pop, 'drain'),
    undo: ({ edge }, pop) => edge.order(pop, 'undrain'),
  },
];

/** Sends what comes from a host's link to this PoP, whatever others prefer: the PoP that is near it. */
export const bringNear = async ({ lab }: Journey, host: string, pop: string, prefix: string): Promise<void> => {
  const { host: end } = lab.topology!.links.find((link) => link.host.host === pop)!;
  const rule = `rule add iif to-${host} lookup 102\n`;
  await lab.configure('upstream', `${rule}route add ${prefix} via ${addressOf(end.v4)} table 102\n`);
};
