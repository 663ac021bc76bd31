import path from 'node:path';
import { iperfCubic, iperfServer } from '#bench/harness/iperf.ts';
import { type Pair, withEnds } from '#bench/harness/network.ts';
import { withPrograms } from '#bench/harness/program.ts';
import { Skip } from '#bench/suite.ts';
import { runCommand } from '#lab/command.ts';
import { type Link, openLink } from '#lab/link/link.ts';
import type { LinkReport } from '#lab/link/record.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { compareDownloads, type Folders, withFolders } from '../files.ts';
import type { ClientImplementation, Implementation, ServerAt } from '../implementations/implementation.ts';
import { OURS } from '../implementations/ours.ts';
import type { QuicCase } from './cases.ts';
import type { Evidence, OurView } from './evidence.ts';
import { type Measured, misses } from './figures.ts';
import { enact, shapesOf } from './scenario.ts';
import { Trace } from './trace.ts';

const MTU = 1500;
const PORT = 4433;
const CLIENT_V6 = 'fd00:192::2';
const SERVER_V6 = 'fd00:192::1';
/** The client's other address. */
const MOVE_TO = '192.0.2.200';
/** What is measured goes before whatever else runs on the machine: who waits for a CPU measures that. */
const SERVER_CPU = 1;
const CLIENT_CPU = 0;
/** The last packets cross the link before the server is told to end. */
const LAST_PACKETS_MS = 200;

export type Sides = { readonly server: Implementation; readonly client: ClientImplementation };

type Outcome = {
  readonly ours: OurView;
  /** To the client. */
  readonly carried: LinkReport['bytes'];
};

const alpnOf = ({ http3 }: QuicCase, { server, client }: Sides) =>
  http3 || server.onlyHttp3 || client.onlyHttp3 ? 'h3' : 'hq-interop';

const transfer = async (one: QuicCase, sides: Sides, at: ServerAt, pair: Pair, link: Link): Promise<Outcome> => {
  const alpn = alpnOf(one, sides);
  const serverSpec = await sides.server.fileServer({ alpn, ...one.server }).command(at);
  const clientSpecs = await sides.client.fileClient({ alpn, ...one.client }).commands(at);
  const first = one.figure !== undefined;
  const server = first ? { ...pair.server, cpu: SERVER_CPU } : pair.server;
  const client = first ? { ...pair.client, cpu: CLIENT_CPU } : pair.client;
  return withPrograms(async (start) => {
    const serving = start(serverSpec, server);
    await serving.ready;
    // Nobody waits for an answer of a server that is gone.
    const ended = serving.result.then(() => {
      throw new Error(`${serving.name} ended before its client.`);
    });
    ended.catch(() => {});
    if (one.beside === 'tcp') {
      await start(await iperfServer(pair.server.address), pair.server).ready;
      start(await iperfCubic(pair.server.address, one.limitSeconds), pair.client);
    }
    const end = performance.now() + one.limitSeconds * 1000;
    const over = enact(link, one.scenario);
    let fetched: unknown;
    try {
      for (const spec of clientSpecs) {
        const fetching = start(spec, client).finish(end - performance.now());
        fetched = await Promise.race([fetching, ended]);
      }
    } finally {
      over();
    }
    const [, { bytes: carried }] = await link.report(0, Number.MAX_SAFE_INTEGER);
    compareDownloads(at.folders);
    await new Promise((resolve) => setTimeout(resolve, LAST_PACKETS_MS));
    const served = await serving.stop();
    return { ours: (sides.client.name === OURS ? fetched : served) as OurView, carried };
  });
};

/** Without a loopback Go takes IPv6 for missing. */
const loopbacks = async ({ client, server }: Pair): Promise<void> => {
  for (const { namespace } of [client, server]) await runCommand('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
};

type Gathered = { readonly evidence: Evidence; readonly carried: Outcome['carried'] };

const through = async (one: QuicCase, sides: Sides, folders: Folders, traces: string): Promise<Gathered> =>
  withEnds(async (pair) => {
    await loopbacks(pair);
    const captures = ['client.pcap', 'server.pcap'].map((name) => path.join(traces, name)) as [string, string];
    const link = await openLink({
      ends: [pair.client.namespace, pair.server.namespace],
      device: 'link0',
      addresses: [
        [`${pair.client.address}/24`, `${MOVE_TO}/24`, `${CLIENT_V6}/64`],
        [`${pair.server.address}/24`, `${SERVER_V6}/64`],
      ],
      mtu: MTU,
      shapes: shapesOf(one.scenario),
      captures,
    });
    const host = one.family === 6 ? SERVER_V6 : pair.server.address;
    let outcome: Outcome;
    try {
      outcome = await transfer(one, sides, { folders, host, port: PORT, moveTo: MOVE_TO }, pair, link);
    } finally {
      await link.close();
    }
    const [atClient, atServer] = captures.map((file) => new Trace(file, PORT)) as [Trace, Trace];
    const weAre = sides.client.name === OURS ? 'client' : 'server';
    const weServe = sides.server.name === OURS;
    return { evidence: { atClient, atServer, ours: outcome.ours, weAre, weServe }, carried: outcome.carried };
  });

/** Runs a case up to its checks: the files arrived whole. @param traces see `runCase` */
export const gather = (one: QuicCase, sides: Sides, traces?: string): Promise<Gathered> => {
  if (!isRoot) throw new Skip('network namespaces need root');
  return withFolders(one.files, (folders, folder) => through(one, sides, folders, traces ?? folder), one.names);
};

/**
 * Runs a case once between two implementations, one of them ours.
 *
 * @param traces folder for captures of both ends of the link; absent: they are gone afterwards
 * @returns what was measured, if the case measures anything
 * @throws an Error that says what went wrong, Skip, PeerMissing
 */
export const runCase = async (one: QuicCase, sides: Sides, traces?: string): Promise<Measured | undefined> => {
  const { evidence, carried } = await gather(one, sides, traces);
  const measured = one.figure?.(evidence, carried);
  const wrong = one.check(evidence) ?? (measured && misses(measured));
  if (wrong !== undefined) throw new Error(wrong);
  return measured;
};
