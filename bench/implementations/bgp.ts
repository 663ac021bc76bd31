/** Routers that take routes of neighbours and tell them to others, all with the same neighbours and no filters. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { birdPeer, frrPeer } from '#scripts/setup/debian-peers.mjs';
import { gobgpPeers } from '#scripts/setup/go-peers.mjs';
import type { ProgramSpec } from '../harness/program.ts';

export const ROUTER_AS = 64_512;
export const BGP_PORT = 179;

export interface RouterOrder {
  /** Of the router. */
  readonly address: string;
  readonly neighbours: readonly { readonly address: string; readonly as: number }[];
  /** Milliseconds between packets of BFD, three times of which are its end; undefined: without. */
  readonly bfdMs?: number;
  /** For its files. */
  readonly folder: string;
}

/** Whoever is measured, as the programs that it consists of. */
export interface RouterPrograms {
  /** That have to be there before, in their order. */
  readonly before: readonly ProgramSpec[];
  readonly router: ProgramSpec;
}

export interface RouterImplementation {
  /** Absent: ours. */
  readonly peer?: string;
  programs(order: RouterOrder): Promise<RouterPrograms>;
}

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
/** As in `./cloudbridge`. */
const V8 = ['--max-semi-space-size=4'];
const LISTENS = { protocol: 'tcp', port: BGP_PORT } as const;
const MULTIPLIER = 3;
const HOLD_SECONDS = 180;

const save = ({ folder }: RouterOrder, name: string, text: string): string => {
  const file = path.join(folder, name);
  writeFileSync(file, text, { mode: 0o600 });
  return file;
};

export const OURS: RouterImplementation = {
  programs: async (order) => {
    const { address, neighbours, bfdMs, folder } = order;
    const neighbor = neighbours.map((one) => ({
      ...{ address: one.address, as: one.as, passive: true, hold_seconds: HOLD_SECONDS },
      ...{ families: ['ipv4-unicast'], import: 'all', export: 'all' },
      ...(bfdMs !== undefined && { bfd_interval_ms: bfdMs, bfd_multiplier: MULTIPLIER }),
    }));
    const file = { as: ROUTER_AS, router_id: address, socket: path.join(folder, 'bgp.sock'), neighbor };
    const config = save(order, 'bgp.json', JSON.stringify(file));
    const args = [...V8, ...PROFILE, MAIN, 'bgp', 'run', '--config', config];
    const router = { name: 'cloudbridge bgp run', command: process.execPath, args, listens: LISTENS };
    return { before: [], router };
  },
};

/** `CBR_BENCH_PROFILE=FOLDER`: our speaker leaves a profile of each of its threads there. */
const PROFILE = process.env['CBR_BENCH_PROFILE']
  ? ['--cpu-prof', '--cpu-prof-interval=200', `--cpu-prof-dir=${process.env['CBR_BENCH_PROFILE']}`]
  : [];

const birdText = ({ address, neighbours, bfdMs }: RouterOrder): string =>
  [
    `router id ${address};`,
    'log stderr all;',
    'protocol device {}',
    ...(bfdMs === undefined
      ? []
      : [
          `protocol bfd { interface "*" { min rx interval ${bfdMs} ms; min tx interval ${bfdMs} ms; multiplier 3; }; }`,
        ]),
    ...neighbours.flatMap((one, i) => [
      `protocol bgp n${i} {`,
      `  local ${address} as ${ROUTER_AS}; neighbor ${one.address} as ${one.as};`,
      `  passive yes; hold time ${HOLD_SECONDS};${bfdMs === undefined ? '' : ' bfd yes;'}`,
      '  ipv4 { import all; export all; };',
      '}',
    ]),
    '',
  ].join('\n');

const BIRD: RouterImplementation = {
  peer: 'BIRD',
  programs: async (order) => {
    const { programs, libraries } = await birdPeer();
    const file = (name: string): string => path.join(order.folder, name);
    const config = save(order, 'bird.conf', birdText(order));
    const args = ['-f', '-c', config, '-s', file('bird.ctl'), '-P', file('bird.pid')];
    const env = { LD_LIBRARY_PATH: libraries };
    return { before: [], router: { name: 'BIRD', command: programs.bird, args, env, listens: LISTENS } };
  },
};

const frrText = ({ address, neighbours, bfdMs }: RouterOrder): string =>
  [
    `router bgp ${ROUTER_AS}`,
    ` bgp router-id ${address}`,
    ' no bgp ebgp-requires-policy',
    ' no bgp network import-check',
    ...neighbours.flatMap((one) => [
      ` neighbor ${one.address} remote-as ${one.as}`,
      ` neighbor ${one.address} passive`,
      ` neighbor ${one.address} timers 60 ${HOLD_SECONDS}`,
      ...(bfdMs === undefined ? [] : [` neighbor ${one.address} bfd ${MULTIPLIER} ${bfdMs} ${bfdMs}`]),
    ]),
    '!',
    '',
  ].join('\n');

/** Without this group of its installation it does not start: it sees a file in which it is, and nobody else does. */
const FRR_GROUP = 'frrvty:x:65500:root';
const GROUPS = '/etc/group';

const FRR: RouterImplementation = {
  peer: 'FRR',
  programs: async (order) => {
    const { programs, libraries } = await frrPeer();
    const { folder, address, bfdMs } = order;
    const file = (name: string): string => path.join(folder, name);
    const env = { LD_LIBRARY_PATH: libraries };
    const common = (name: string): string[] => [
      ...['-i', file(`${name}.pid`), '--vty_socket', folder, '-A', '127.0.0.1', '-P', '0'],
      ...['-z', file('zebra.sock'), '--log', 'stdout', '--log-level', 'warnings'],
    ];
    const config = save(order, 'bgpd.conf', frrText(order));
    const daemon = (name: 'bfdd' | 'zebra', more: readonly string[]): ProgramSpec => {
      const args = [...common(name), '-u', 'root', '-g', 'root', '-f', save(order, `${name}.conf`, ''), ...more];
      const group = save(order, 'group', `${readFileSync(GROUPS, 'utf8')}${FRR_GROUP}\n`);
      const script = 'mount --bind "$0" "$1"; shift; exec "$@"';
      return {
        ...{ name: `FRR's ${name}`, command: 'unshare', env },
        args: ['--mount', 'sh', '-c', script, group, GROUPS, programs[name], ...args],
      };
    };
    // Without BFD there is nothing that it would need the others for.
    const alone = bfdMs === undefined;
    const before = alone ? [] : [daemon('zebra', []), daemon('bfdd', ['--bfdctl', file('bfdd.sock')])];
    const args = [
      ...common('bgpd'),
      '-S',
      '-f',
      config,
      '-l',
      address,
      '-p',
      String(BGP_PORT),
      ...(alone ? ['-Z'] : []),
    ];
    return { before, router: { name: 'FRR', command: programs.bgpd, args, env, listens: LISTENS } };
  },
};

const goBgpText = ({ address, neighbours, bfdMs }: RouterOrder): string =>
  [
    '[global.config]',
    `as = ${ROUTER_AS}`,
    `router-id = "${address}"`,
    `local-address-list = ["${address}"]`,
    ...neighbours.flatMap((one) => [
      '[[neighbors]]',
      '[neighbors.config]',
      `neighbor-address = "${one.address}"`,
      `peer-as = ${one.as}`,
      '[neighbors.transport.config]',
      'passive-mode = true',
      `local-address = "${address}"`,
      '[neighbors.timers.config]',
      `hold-time = ${HOLD_SECONDS}`,
      ...(bfdMs === undefined
        ? []
        : [
            '[neighbors.bfd.config]',
            'enabled = true',
            `desired-minimum-tx-interval = ${bfdMs * 1000}`,
            `required-minimum-receive = ${bfdMs * 1000}`,
            `detection-multiplier = ${MULTIPLIER}`,
          ]),
    ]),
    '',
  ].join('\n');

const GOBGP: RouterImplementation = {
  peer: 'GoBGP',
  programs: async (order) => {
    const { gobgpd } = await gobgpPeers();
    const config = save(order, 'gobgp.toml', goBgpText(order));
    const api = `unix://${path.join(order.folder, 'gobgp.sock')}`;
    const args = ['-f', config, '--api-hosts', api, '--pprof-disable', '--log-level', 'warn'];
    return { before: [], router: { name: 'GoBGP', command: gobgpd, args, listens: LISTENS } };
  },
};

/** Measured beside ours with `--peers`. To add one is to add a row. */
export const BGP_PEERS: readonly RouterImplementation[] = [FRR, BIRD, GOBGP];
