import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand, until } from '#lab/command.ts';
import { withIdentity } from '../harness/identity.ts';
import { type Host, type Pair, withPair } from '../harness/network.ts';
import { type Program, withPrograms } from '../harness/program.ts';
import { worker } from '../implementations/product.ts';
import type { UpstreamNews, UpstreamOrder } from './upstream.ts';

const UPSTREAM = fileURLToPath(new URL('upstream.ts', import.meta.url));
const WEDGE = fileURLToPath(new URL('../../pop-worker/testing/wedge.ts', import.meta.url));
const LINK_MTU = 1500;
const AS = 64_500;
/** Devices connect to it; it is of no link, so that it can go while BGP stays. */
const EDGE = '198.51.100.1';
const TUN = { device: 'tunnel0', mtu: 1400, network: '10.64.0.0/24', proxy: '10.64.0.1', client: '10.64.0.2' };
const LIMIT_MS = 20_000;

/** Something that a check of the worker's has to find. */
export interface CheckFault {
  /** As in the worker's log. */
  readonly reason: RegExp;
  inject(place: FaultPlace): Promise<void>;
}

interface FaultPlace {
  readonly server: Host;
  /** While it is there, data-plane threads do nothing. */
  readonly wedge: string;
}

export const WEDGED: CheckFault = {
  reason: /a data-plane thread is stuck/,
  inject: async ({ wedge }) => writeFileSync(wedge, ''),
};

export const UNANSWERED: CheckFault = {
  reason: /./,
  inject: async ({ server }) => {
    await runCommand('ip', ['-n', server.namespace, 'address', 'delete', `${EDGE}/32`, 'dev', 'lo']);
  },
};

/** Milliseconds until the withdrawal was at the neighbour. */
export interface Withdrawal {
  /** From when the worker has logged that the check failed; that is less than 1 ms behind the check. */
  readonly sinceCheckMs: number;
  readonly sinceFaultMs: number;
}

const routing = ({ client }: Pair): string =>
  JSON.stringify({
    prefixes: [{ id: 'edge', prefix: '198.51.100.0/24' }],
    neighbors: [{ pop: 'bench', id: 'upstream', address: client.address, remoteAsn: AS, hops: 254 }],
    uplinks: [],
  });

const settingsOf = ({ server }: Pair): string => `routing = "routing.json"
[bgp]
router_id = "${server.address}"
step_seconds = 0
`;

/** What an upstream has printed of that kind. */
const newsOf = ({ output }: Program, type: UpstreamNews['type']): UpstreamNews[] =>
  output
    .split('\n')
    .filter((line) => line.startsWith('{"type"'))
    .map((line) => JSON.parse(line) as UpstreamNews)
    .filter((news) => news.type === type);

/** When the worker said that a check had failed. @returns milliseconds since 1970 */
const failedAt = ({ errors }: Program, reason: RegExp): number => {
  for (const line of errors.split('\n')) {
    if (!line.includes('"message":"anycast"') || !line.endsWith('}')) continue;
    const said = JSON.parse(line) as { readonly time: string; readonly state: string; readonly reason?: string };
    if (said.state === 'failed' && reason.test(said.reason ?? '')) return Date.parse(said.time);
  }
  throw new Error(`The worker has not said that ${reason} failed: ${errors}`);
};

/** A worker that announces, a fault, and what its neighbour hears of it. Needs root. */
export const measureWithdrawal = ({ reason, inject }: CheckFault): Promise<Withdrawal> =>
  withIdentity((identity, folder) =>
    withPair(LINK_MTU, (pair) =>
      withPrograms(async (start) => {
        const { server, client } = pair;
        const wedge = path.join(folder, 'wedged');
        mkdirSync(path.join(folder, 'state'), { recursive: true });
        writeFileSync(path.join(folder, 'routing.json'), routing(pair));
        await runCommand('ip', ['-n', server.namespace, 'address', 'add', `${EDGE}/32`, 'dev', 'lo']);
        const order = { ...TUN, identity, folder, address: EDGE, port: 443, route: '203.0.113.0/24' };
        const spec = await worker({ ...order, settings: settingsOf(pair) });
        const env = { NODE_OPTIONS: `--import ${WEDGE}`, CBR_TEST_WEDGE: wedge };
        const running = start({ ...spec, env }, server);
        await running.ready;
        const upstreamOrder: UpstreamOrder = { address: client.address, as: AS, worker: server.address };
        const upstream = start(
          { name: 'the neighbour', command: process.execPath, args: [UPSTREAM], ipc: true, order: upstreamOrder },
          client,
        );
        await upstream.ready;
        await until('the prefix is announced', LIMIT_MS, () => newsOf(upstream, 'announced').length > 0);
        const faultMs = Date.now();
        await inject({ server, wedge });
        await until('it is withdrawn', LIMIT_MS, () => newsOf(upstream, 'withdrawn').length > 0);
        const [{ atMs } = { atMs: Number.NaN }] = newsOf(upstream, 'withdrawn');
        rmSync(wedge, { force: true });
        return { sinceCheckMs: atMs - failedAt(running, reason), sinceFaultMs: atMs - faultMs };
      }),
    ),
  );
