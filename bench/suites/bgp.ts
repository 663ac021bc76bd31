import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runCommand } from '#lab/command.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import type { Measurement } from '#telemetry/measurement.ts';
import type { NeighboursOrder, NeighboursResult, SenderOrder } from '../bgp/order.ts';
import { type CheckFault, measureWithdrawal, UNANSWERED, WEDGED, type Withdrawal } from '../bgp/withdrawal.ts';
import { measurePeers } from '../harness/beside.ts';
import { type Pair, withPair } from '../harness/network.ts';
import { withPrograms } from '../harness/program.ts';
import { BGP_PEERS, OURS, type RouterImplementation } from '../implementations/bgp.ts';
import { type CaseContext, Skip, type SuiteCase } from '../suite.ts';
import { convergenceLines, deathLines, fitLines, withdrawalLines } from './bgp-figures.ts';

const MTU = 1500;
/** Neighbours never share a CPU with the router. */
const NEIGHBOURS_CPU = 0;
const ROUTER_CPU = 1;
const LIMIT_MS = 118_000;
const RUNS = 3;
const PROGRAM = fileURLToPath(new URL('../bgp/neighbours.ts', import.meta.url));
/** The router is the server of the pair; the client is its neighbours. */
const RECEIVER_AS = 64_499;
const FIRST_AS = 64_500;
const FIRST_SENDER = 11;
const DAEMON_MS = 300;
/** Workers that each kind of fault happens to. */
const TRIALS = 5;

/** What is measured, with any router. */
interface Setting {
  readonly senders: readonly SenderOrder[];
  readonly what: NeighboursOrder['what'];
  readonly bfdMs?: number;
}

const ROUTES = 500_000;

/** `CBR_BENCH_ROUTES` is how many routes `one-neighbour` has, and scales those of all cases; bars are for 500,000. */
const scale = (): number => {
  const text = process.env['CBR_BENCH_ROUTES'];
  return text !== undefined && /^[1-9]\d{2,6}$/.test(text) ? Number(text) / ROUTES : 1;
};

/** @param routes of each @param perSet routes that have the same attributes */
const sendersOf = (count: number, routes: number, perSet: number): SenderOrder[] => {
  const sets = Math.max(1, Math.round((routes * scale()) / perSet));
  return Array.from({ length: count }, (_, i) => ({
    ...{ address: `192.0.2.${FIRST_SENDER + i}`, as: FIRST_AS + i },
    ...{ first: i * sets * perSet, routes: sets * perSet, sets },
  }));
};

/** `withPair` has given each side one. */
const giveAddresses = async ({ client }: Pair, senders: readonly SenderOrder[]): Promise<void> => {
  const lines = senders.map(({ address }) => `address add ${address}/24 dev veth0\n`);
  await runCommand('ip', ['-n', client.namespace, '-batch', '-'], { input: lines.join('') });
};

const neighboursSpec = (order: NeighboursOrder) => ({
  ...{ name: 'the neighbours', command: process.execPath, args: [PROGRAM], ipc: true, order },
});

/** @param implementation undefined: no router, the senders talk to the receiver */
const measure = ({ senders, what, bfdMs }: Setting, implementation?: RouterImplementation): Promise<NeighboursResult> =>
  withPair(MTU, async (pair) => {
    await giveAddresses(pair, senders);
    const receiver = { address: pair.client.address, as: RECEIVER_AS };
    const common = { senders, receiver, what, ...(bfdMs !== undefined && { intervalMs: bfdMs }) };
    const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-bench-bgp-'));
    try {
      return await withPrograms(async (start) => {
        const place = { namespace: pair.client.namespace, cpu: NEIGHBOURS_CPU };
        const { address } = pair.server;
        let router: NeighboursOrder['router'];
        if (implementation !== undefined) {
          const neighbours = [receiver, ...senders].map(({ address: its, as }) => ({ address: its, as }));
          const order = { address, neighbours, folder, ...(bfdMs !== undefined && { bfdMs }) };
          const programs = await implementation.programs(order);
          const at = { namespace: pair.server.namespace, cpu: ROUTER_CPU };
          for (const spec of programs.before) {
            start(spec, at);
            await wait(DAEMON_MS);
          }
          const program = start(programs.router, at);
          await program.ready;
          router = { address, pid: program.pid };
        }
        const program = start(neighboursSpec({ ...common, ...(router && { router }) }), place);
        return (await program.finish(LIMIT_MS)) as NeighboursResult;
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

const withAll = async (
  setting: Setting,
  context: CaseContext,
  lines: (ours: NeighboursResult, peers: Readonly<Record<string, NeighboursResult>>) => Measurement[],
): Promise<Measurement[]> => {
  if (!isRoot) throw new Skip('network namespaces need root');
  const ours = await measure(setting, OURS);
  return lines(ours, await measurePeers(BGP_PEERS, context, (peer) => measure(setting, peer)));
};

const trialsOf = async (fault: CheckFault): Promise<Withdrawal[]> => {
  const trials: Withdrawal[] = [];
  for (let i = 0; i < TRIALS; i++) trials.push(await measureWithdrawal(fault));
  return trials;
};

const convergence = (name: string, summary: string, count: number, routes: number, perSet: number): SuiteCase => ({
  name,
  summary,
  runs: RUNS,
  run: async (context) => {
    const setting: Setting = { senders: sendersOf(count, routes, perSet), what: 'convergence' };
    const total = setting.senders.reduce((sum, one) => sum + one.routes, 0);
    if (!isRoot) throw new Skip('network namespaces need root');
    // The neighbours of all routers are the same: what they need by themselves is no router's.
    const alone = await measure({ ...setting, senders: sendersOf(1, count * routes, perSet) });
    return withAll(setting, context, (ours, peers) => convergenceLines(total, alone, ours, peers));
  },
});

const death = (name: string, summary: string, setting: Omit<Setting, 'senders'>, atMostMs: number): SuiteCase => ({
  name,
  summary,
  runs: RUNS,
  run: (context) =>
    withAll({ ...setting, senders: sendersOf(5, 1000, 5) }, context, (ours, peers) =>
      deathLines(ours, peers, atMostMs),
    ),
});

export const cases: readonly SuiteCase[] = [
  convergence(
    'one-neighbour',
    '500,000 routes in 100,000 sets of one neighbour to another, and withdrawn',
    1,
    ROUTES,
    5,
  ),
  convergence(
    'ten-neighbours',
    '10,000 routes of each of ten neighbours, each in a set of its own, to all',
    10,
    10_000,
    1,
  ),
  {
    name: 'million',
    summary: '1,000,000 routes in 200,000 sets: what memory they take',
    run: (context) =>
      withAll({ senders: sendersOf(1, 2 * ROUTES, 5), what: 'convergence' }, { ...context, peers: false }, fitLines),
  },
  death(
    'close',
    'a neighbour dies and TCP tells: until its 1,000 routes are withdrawn at another',
    { what: 'close' },
    5,
  ),
  death('bfd', 'a neighbour is cut off and BFD tells, 3 times 50 ms', { what: 'cut', bfdMs: 50 }, 150),
  {
    name: 'check',
    summary: 'a check of a worker fails, a thread wedged or a probe unanswered: until its neighbour has the withdrawal',
    run: async () => {
      if (!isRoot) throw new Skip('network namespaces need root');
      return [
        ...withdrawalLines('wedged', await trialsOf(WEDGED)),
        ...withdrawalLines('unanswered', await trialsOf(UNANSWERED)),
      ];
    },
  },
];
