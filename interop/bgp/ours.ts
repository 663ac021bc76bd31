import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Program, withPrograms } from '#bench/harness/program.ts';
import { runCommand } from '#lab/command.ts';
import { AdminError, askProgram } from '#pop-worker/admin/client.ts';
import type { RoutePage, RouteView } from '#pop-worker/routing/bgp/route-list.ts';
import type { NeighbourStatus } from '#pop-worker/routing/bgp/status.ts';
import { type FamilyName, OUR_AS, OURS, type PeerEnd, type PeerSession, type PlainRoute, sorted } from './peer.ts';
import { until } from './until.ts';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** Settings of `[[neighbor]]` in the file, by their names there. */
export type NeighbourSettings = Readonly<Record<string, unknown>>;
export type Origin = Readonly<Record<string, unknown>> & { readonly prefix: string };

export const neighbourName = (end: PeerEnd, over: 4 | 6): string => `${end.name}-${over}`;

const ROLES = { provider: 'customer', customer: 'provider' } as const;

/** What makes us the counterpart of a peer. @param keyFile of its password */
export const counterpartOf = (end: PeerEnd, session: PeerSession, keyFile: string): NeighbourSettings => ({
  name: neighbourName(end, session.over),
  address: session.over === 4 ? end.four : end.six,
  as: end.as,
  families: session.families,
  hold_seconds: session.holdSeconds ?? 90,
  connect_retry_seconds: 1,
  ...{ import: 'all', export: 'all', next_hop4: OURS.four, next_hop6: OURS.six, flow_validation: 'none' },
  add_path: session.addPath === true ? 'both' : 'none',
  graceful_restart: session.gracefulRestart === true,
  ...(session.longLivedSeconds !== undefined && { long_lived_seconds: session.longLivedSeconds }),
  extended_next_hop: session.extendedNextHop === true,
  ...(session.role !== undefined && { role: ROLES[session.role] }),
  ...(session.password !== undefined && { md5_key_file: keyFile }),
  ...(session.gtsm === true && { gtsm_hops: session.hops ?? 1 }),
  ...(session.bfdMs !== undefined && { bfd_interval_ms: session.bfdMs, interface: 'veth0' }),
});

/** Our speaker, run as its users do: `cloudbridge bgp run`. */
export class OurSpeaker {
  readonly #program: Program;
  readonly #socket: string;
  readonly #write: (originate: readonly Origin[]) => void;

  /** @param write its file, with other routes of its own */
  constructor(program: Program, socket: string, write: (originate: readonly Origin[]) => void) {
    this.#program = program;
    this.#socket = socket;
    this.#write = write;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** Begins these routes from now on, and no others. */
  originate(routes: readonly Origin[]): void {
    this.#write(routes);
    process.kill(this.pid, 'SIGHUP');
  }

  /** It tells its neighbours, and ends. */
  async stop(): Promise<void> {
    await this.#program.stop();
  }

  async status(name: string): Promise<NeighbourStatus> {
    const { neighbors } = (await askProgram('bgp', this.#socket, 'status')) as {
      readonly neighbors: readonly NeighbourStatus[];
    };
    const found = neighbors.find((one) => one.name === name);
    if (found === undefined) throw new Error(`We have no neighbour ${name}.`);
    return found;
  }

  /** Of `cloudbridge bgp status --json`. */
  async statusByCommand(): Promise<readonly NeighbourStatus[]> {
    const args = [MAIN, 'bgp', 'status', '--socket', this.#socket, '--json'];
    return (JSON.parse(await runCommand(process.execPath, args)) as { neighbors: readonly NeighbourStatus[] })
      .neighbors;
  }

  /** Of `cloudbridge bgp route list --json`. */
  async routesByCommand(): Promise<readonly RouteView[]> {
    const args = [MAIN, 'bgp', 'route', 'list', '--socket', this.#socket, '--json'];
    const lines = (await runCommand(process.execPath, args)).split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as RouteView);
  }

  async isEstablished(name: string): Promise<boolean> {
    return (await this.status(name)).state === 'established';
  }

  /** All paths from a neighbour. */
  async views(from: string, family: FamilyName): Promise<RouteView[]> {
    const views: RouteView[] = [];
    let cursor: RoutePage['next'];
    do {
      const page = (await askProgram('bgp', this.#socket, 'routes', { more: { from, family, cursor } })) as RoutePage;
      views.push(...page.routes);
      cursor = page.next;
    } while (cursor !== undefined);
    return views;
  }

  /** Those that can be used: a neighbour may tell us our own again. */
  async routes(from: string, family: FamilyName): Promise<PlainRoute[]> {
    return (await this.views(from, family)).filter(({ usable }) => usable).map(plainOf);
  }
}

export const plainOf = ({ prefix, nextHop, attributes }: RouteView): PlainRoute => ({
  prefix,
  asPath: attributes['AS_PATH'] ?? '',
  nextHop: nextHop.split(' ')[0] ?? '',
  med: attributes['MULTI_EXIT_DISC'] ?? '',
  communities: sorted((attributes['COMMUNITIES'] ?? '').split(' ')),
  largeCommunities: sorted((attributes['LARGE_COMMUNITIES'] ?? '').split(' ')),
  extendedCommunities: sorted((attributes['EXTENDED_COMMUNITIES'] ?? '').split(' ')),
  onlyToCustomer: attributes['ONLY_TO_CUSTOMER'] ?? '',
  originator: attributes['ORIGINATOR_ID'] ?? '',
  clusterList: attributes['CLUSTER_LIST'] ?? '',
});

interface OurSetup {
  /** @param keyFile of passwords */
  readonly neighbours: (keyFile: string) => readonly NeighbourSettings[];
  readonly password: string;
  readonly originate: readonly Origin[];
  /** What neighbours are told at the end. */
  readonly shutdownText: string;
}

/** Runs `work` beside our speaker in that namespace. */
export const withOurs = async <T>(
  namespace: string,
  { neighbours, password, originate, shutdownText }: OurSetup,
  work: (ours: OurSpeaker) => Promise<T>,
): Promise<T> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-bgp-'));
  const at = (name: string): string => path.join(folder, name);
  try {
    writeFileSync(at('key'), `${password}\n`, { mode: 0o600 });
    const neighbor = neighbours(at('key'));
    const shared = { as: OUR_AS, router_id: OURS.four, socket: at('bgp.sock'), shutdown_text: shutdownText, neighbor };
    const write = (routes: readonly Origin[]): void =>
      writeFileSync(at('bgp.json'), JSON.stringify({ ...shared, originate: routes }));
    write(originate);
    return await withPrograms(async (start) => {
      const args = [MAIN, 'bgp', 'run', '--config', at('bgp.json')];
      const program = start({ name: 'cloudbridge bgp run', command: process.execPath, args }, { namespace });
      let ended: unknown;
      program.result.then(
        () => {},
        (error: unknown) => (ended = error),
      );
      await until('our speaker answers', async () => {
        if (ended !== undefined) throw ended;
        try {
          await askProgram('bgp', at('bgp.sock'), 'status');
          return true;
        } catch (error) {
          if (!(error instanceof AdminError)) throw error;
          return false;
        }
      });
      return work(new OurSpeaker(program, at('bgp.sock'), write));
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
