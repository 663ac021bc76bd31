import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { dnsPeers } from '#scripts/setup/debian-peers.mjs';
import { root } from '#scripts/setup/paths.mjs';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import type { Measurement } from '#telemetry/measurement.ts';
import { measurePeers, sideBySide } from '../harness/beside.ts';
import { Program, type ProgramSpec } from '../harness/program.ts';
import { type CaseContext, Skip, type SuiteCase } from '../suite.ts';

const ADDRESS = '127.0.0.1';
const PORTS = { ours: 5390, nsd: 5391 } as const;
const SECONDS = 5;
const LIMIT_MS = 30_000;
/** Servers and who asks them have a CPU each. */
const CPU = { server: 1, client: 0 } as const;
const ZONE = 'edge.example';
/** What NSD is to answer: the same records, whoever asks. */
const NSD_ZONE = `$ORIGIN ${ZONE}.
$TTL 30
@ SOA ns1 hostmaster 1 86400 3600 1209600 30
@ NS ns1
ns1 A 192.0.2.53
www A 198.51.100.1
www AAAA 2001:db8:a::1
`;
const PLACES = 1000;

interface Ask {
  readonly summary: string;
  readonly options: readonly string[];
}

/** EDNS client subnet of 203.0.113.0/24. */
const SUBNET = '8:00011800cb0071';

const ASKS: Readonly<Record<string, Ask>> = {
  udp: { summary: 'by UDP: addresses of the nearest of 50 PoPs, and names that there are not', options: [] },
  subnet: { summary: 'by UDP with the subnet of a client, among 1,000 places', options: ['-E', SUBNET] },
  tcp: { summary: 'by 10 TCP connections', options: ['-m', 'tcp', '-c', '10'] },
};

const QUERIES = ['www A', 'www AAAA', 'nope A', 'www A'].map((text) => text.replace(' ', `.${ZONE} `)).join('\n');

const configOf = (folder: string): string => {
  const pops = Array.from({ length: 50 }, (_, i) => [
    `p${i}`,
    { addresses: [`198.51.100.${i + 1}`, `2001:db8:a::${i + 1}`] },
  ]);
  const places = Array.from({ length: PLACES }, (_, i) => ({
    prefixes: [`203.${i >> 8}.${i & 255}.0/24`],
    pops: [`p${i % 50}`],
  }));
  return JSON.stringify({
    listen: [`${ADDRESS}:${PORTS.ours}`],
    socket: path.join(folder, 'dns.sock'),
    rate_limit: 0,
    pops: Object.fromEntries(pops),
    zone: [
      {
        ...{ domain: ZONE, name_servers: [`ns1.${ZONE}`], services: [`www.${ZONE}`] },
        records: [`ns1.${ZONE} A 192.0.2.53`],
      },
    ],
    place: places,
  });
};

const nsdConfigOf = (folder: string): string => `server:
  ip-address: ${ADDRESS}@${PORTS.nsd}
  server-count: 1
  username: ""
  chroot: ""
  database: ""
  zonesdir: "${folder}"
  pidfile: "${folder}/nsd.pid"
  xfrdfile: "${folder}/xfrd.state"
  zonelistfile: "${folder}/zone.list"
  cookie-secret-file: "${folder}/cookies"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
zone:
  name: ${ZONE}
  zonefile: ${ZONE}.zone
`;

interface Server {
  readonly peer?: string;
  readonly port: number;
  spec(folder: string): Promise<ProgramSpec>;
}

const OURS: Server = {
  port: PORTS.ours,
  spec: async (folder) => {
    const file = path.join(folder, 'dns.json');
    writeFileSync(file, configOf(folder));
    return {
      ...{ name: 'cloudbridge dns run', command: process.execPath },
      args: [path.join(root, 'cli/main.ts'), 'dns', 'run', '--config', file],
      listens: { protocol: 'udp', port: PORTS.ours },
    };
  },
};

const NSD: Server = {
  peer: 'NSD',
  port: PORTS.nsd,
  spec: async (folder) => {
    const { programs, libraries } = await dnsPeers();
    const file = path.join(folder, 'nsd.conf');
    writeFileSync(file, nsdConfigOf(folder));
    writeFileSync(path.join(folder, `${ZONE}.zone`), NSD_ZONE);
    return {
      ...{ name: 'NSD', command: programs.nsd, args: ['-d', '-c', file], env: { LD_LIBRARY_PATH: libraries } },
      listens: { protocol: 'udp', port: PORTS.nsd },
    };
  },
};

interface Figures {
  readonly answers: number;
  readonly latencyMs: number;
  readonly lostShare: number;
}

const numberAfter = (report: string, words: string): number => {
  const found = new RegExp(`${words}:\\s+([0-9.]+)`).exec(report)?.[1];
  if (found === undefined) throw new Error(`dnsperf says nothing of "${words}":\n${report}`);
  return Number(found);
};

/** What dnsperf reports. */
export const figuresOf = (report: string): Figures => ({
  answers: numberAfter(report, 'Queries per second'),
  latencyMs: numberAfter(report, 'Average Latency \\(s\\)') * 1000,
  lostShare: numberAfter(report, 'Queries lost') / numberAfter(report, 'Queries sent'),
});

const asked = async ({ port }: Server, { options }: Ask, folder: string): Promise<Figures> => {
  const { programs, libraries } = await dnsPeers();
  const queries = path.join(folder, 'queries');
  writeFileSync(queries, `${QUERIES}\n`);
  const args = [
    '-s',
    ADDRESS,
    '-p',
    String(port),
    '-d',
    queries,
    '-l',
    String(SECONDS),
    '-T',
    '1',
    '-q',
    '200',
    ...options,
  ];
  const client = new Program(
    { name: 'dnsperf', command: programs.dnsperf, args, env: { LD_LIBRARY_PATH: libraries } },
    { cpu: CPU.client },
  );
  await client.finish(LIMIT_MS);
  return figuresOf(client.output);
};

const measured = async (server: Server, ask: Ask): Promise<Figures> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-bench-dns-'));
  const program = new Program(await server.spec(folder), { cpu: CPU.server });
  try {
    await program.ready;
    return await asked(server, ask, folder);
  } finally {
    await program.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};

const linesOf = (mine: Figures, peers: Readonly<Record<string, Figures>>): Measurement[] => {
  const of = (figure: (figures: Figures) => number): Record<string, number> =>
    Object.fromEntries(Object.entries(peers).map(([name, figures]) => [name, figure(figures)]));
  const answers = of((figures) => figures.answers);
  return [
    ...sideBySide({ metric: 'answers', unit: 'answers/s', ours: mine.answers, peers: answers, bar: { atLeast: 0.8 } }),
    ...sideBySide({ metric: 'latency', unit: 'ms', ours: mine.latencyMs, peers: of(({ latencyMs }) => latencyMs) }),
    { metric: 'lost', value: mine.lostShare, unit: 'ratio', bar: { atMost: 0.001 } },
  ];
};

const caseOf = (name: string, ask: Ask): SuiteCase => ({
  name,
  summary: ask.summary,
  runs: 3,
  run: async (context: CaseContext) => {
    await dnsPeers().catch((error: unknown) => {
      throw error instanceof PeerMissing ? new Skip(error.message) : error;
    });
    const mine = await measured(OURS, ask);
    return linesOf(mine, await measurePeers([NSD], context, (server) => measured(server, ask)));
  },
});

export const cases: readonly SuiteCase[] = Object.entries(ASKS).map(([name, ask]) => caseOf(name, ask));
