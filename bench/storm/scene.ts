import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Issuer } from '#pop-worker/testing/issuer.ts';
import { deviceOf, EDGE4, INTERNET4, World } from '#pop-worker/testing/world.ts';
import { residentBytesOf } from '../harness/usage.ts';
import type { Storm } from './figures.ts';
import {
  type CrowdCommand,
  type CrowdOrder,
  type CrowdReport,
  nowMs,
  type SurvivorOrder,
  type SurvivorReport,
} from './order.ts';

const PROCESSES = 2;
const SOCKETS = 24;
/** Addresses of clients (RFC 2544), all of one network namespace. */
const CLIENTS = '198.18.0.0/15';
const NEAR = { a: '198.51.100.253', b: '198.51.100.254' };
/** BFD at 3×50 ms, and what upstream needs to change its routes. */
const REROUTED_MS = 200;
const SURVIVOR_BYTES_PER_SECOND = 6_000_000;
const CALM_MS = 4000;
const LONGEST_CONNECT_MS = 180_000;
const LONGEST_STORM_MS = 30_000;
const TICKS_PER_SECOND = 100;

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

const start = (namespace: string, script: string, nodeArgs: readonly string[] = []): ChildProcess =>
  fork(path.join(import.meta.dirname, script), [], {
    execPath: '/bin/sh',
    execArgv: [
      '-c',
      'exec setpriv --pdeathsig KILL -- ip netns exec "$0" "$@"',
      namespace,
      process.execPath,
      ...nodeArgs,
    ],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });

const cpuSecondsOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
};

/** Two workers of one fleet: the same certificate, keys of tickets and of resets, and whose tokens they take. */
const makeWorkers = async (from: World, to: World): Promise<void> => {
  to.authority = from.authority;
  const ticketKeys = crypto.getRandomValues(new Uint8Array(80));
  for (const world of [from, to]) {
    await world.network();
    await world.configure();
    const at = (name: string): string => path.join(world.folder, name);
    writeFileSync(at('ticket.key'), ticketKeys, { mode: 0o600 });
    const text = readFileSync(world.configFile, 'utf8').replace('[tls]', '[tls]\nticket_keys = "ticket.key"');
    writeFileSync(world.configFile, text);
  }
};

/** A namespace with a way to both; what goes to the anycast address goes to the first. */
const makeClients = (from: World, to: World): string => {
  const namespace = from.clientNamespace();
  ip('-n', namespace, 'route', 'add', 'local', CLIENTS, 'dev', 'lo');
  for (const [world, near, device] of [
    [from, NEAR.a, 'near-a'],
    [to, NEAR.b, 'near-b'],
  ] as const) {
    const at = world.workerNamespace;
    ip('-n', namespace, 'link', 'add', device, 'type', 'veth', 'peer', 'name', 'storm', 'netns', at);
    ip('-n', namespace, 'link', 'set', device, 'up');
    ip('-n', at, 'link', 'set', 'storm', 'up');
    ip('-n', at, 'address', 'add', `${near}/32`, 'dev', 'storm');
    ip('-n', at, 'route', 'add', CLIENTS, 'dev', 'storm');
    ip('-n', namespace, 'route', 'add', `${near}/32`, 'dev', device);
    world.run(at, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/conf/storm/proxy_arp');
  }
  ip('-n', namespace, 'route', 'replace', `${EDGE4}/32`, 'via', NEAR.a, 'dev', 'near-a', 'onlink');
  return namespace;
};

class Crowd {
  readonly #child: ChildProcess;
  open = 0;
  readonly #back = Promise.withResolvers<Extract<CrowdReport, { type: 'back' }>>();

  constructor(namespace: string, order: CrowdOrder) {
    this.#child = start(namespace, 'crowd.ts');
    this.#child.on('message', (report: CrowdReport) => {
      if (report.type === 'count') this.open = report.open;
      else this.#back.resolve(report);
    });
    this.#child.send(order);
  }

  tell(command: CrowdCommand): void {
    if (command === 'storm') this.open = 0;
    this.#child.send(command);
  }

  settle(): Promise<Extract<CrowdReport, { type: 'back' }>> {
    this.tell('settle');
    return this.#back.promise;
  }

  get residentBytes(): number {
    return residentBytesOf(this.#child.pid as number);
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

const openIn = (crowds: readonly Crowd[]): number => crowds.reduce((sum, { open }) => sum + open, 0);

const untilOpen = async (crowds: readonly Crowd[], count: number, mostMs: number): Promise<boolean> => {
  for (const end = nowMs() + mostMs; nowMs() < end; await sleep(20)) if (openIn(crowds) === count) return true;
  return false;
};

const tokensOf = (issuer: Issuer, count: number): Promise<string[]> => {
  const identityOf = (i: number) => {
    const [high, low] = [1 + (i >> 7), 1 + (i & 127)];
    return { tenant: 'red', device: `storm-${i}`, ipv4: `10.65.${high}.${low}`, ipv6: `fd00:1::${high}:${low}` };
  };
  return Promise.all(
    Array.from({ length: count }, (_, i) => issuer.token({ ...identityOf(i), expiresInSeconds: 3600 })),
  );
};

export interface StormOptions {
  readonly clients: number;
  /** Folder for CPU profiles of the worker that they come to. */
  readonly profile?: string | undefined;
  readonly remark: (text: string) => void;
}

/** All clients at one worker, somebody who reads at another; the first is killed, and all come to the other. */
export const raiseStorm = async ({ clients, profile, remark }: StormOptions): Promise<Storm> => {
  const cleanUps: (() => void)[] = [];
  const t = { after: (act: () => void) => void cleanUps.unshift(act) } as never;
  const issuer = new Issuer();
  const [from, to] = [new World(t, issuer), new World(t, issuer)];
  try {
    await makeWorkers(from, to);
    const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
    await Promise.all([from.startWorker(), to.startWorker(profiling)]);
    const namespace = makeClients(from, to);
    const tokens = await tokensOf(issuer, clients);
    const order = { server: `https://${EDGE4}`, ca: path.join(from.folder, 'ca.pem'), sockets: SOCKETS };
    writeFileSync(order.ca, from.authority.pem);
    const crowds = Array.from({ length: PROCESSES }, (_, i) => {
      const own = tokens.filter((_token, n) => n % PROCESSES === i);
      return new Crowd(namespace, { ...order, firstAddress: `198.18.${i}.1`, tokens: own });
    });
    cleanUps.unshift(() => {
      for (const crowd of crowds) crowd.end();
    });
    // Whoever stays is a device of the other worker.
    const device = await to.connect(deviceOf('blue', 2));
    await device.reports.of('up');
    const reader = start(device.namespace, 'survivor.ts');
    cleanUps.unshift(() => reader.kill('SIGKILL'));
    const survivor: SurvivorReport[] = [];
    reader.on('message', (report: SurvivorReport) => survivor.push(report));
    const began = nowMs();
    if (!(await untilOpen(crowds, clients, LONGEST_CONNECT_MS)))
      throw new Error(`of ${clients} clients ${openIn(crowds)} got in before the storm`);
    remark(`${clients} clients came in within ${Math.round(nowMs() - began)} ms`);
    const url = `http://${INTERNET4}:8000/1/10000000000`;
    reader.send({ url, bytesPerSecond: SURVIVOR_BYTES_PER_SECOND } satisfies SurvivorOrder);
    await sleep(CALM_MS);
    const worker = to.worker?.pid as number;
    const cpuBefore = cpuSecondsOf(worker);
    for (const crowd of crowds) crowd.tell('storm');
    const killedAt = nowMs();
    from.worker?.kill('SIGKILL');
    await sleep(REROUTED_MS);
    ip('-n', namespace, 'route', 'replace', `${EDGE4}/32`, 'via', NEAR.b, 'dev', 'near-b', 'onlink');
    await untilOpen(crowds, clients, LONGEST_STORM_MS);
    const backs = await Promise.all(crowds.map((crowd) => crowd.settle()));
    const cpuSeconds = cpuSecondsOf(worker) - cpuBefore;
    const residentBytes = residentBytesOf(worker);
    remark(`what ended connections: ${JSON.stringify(backs.map(({ failures }) => failures))}`);
    remark(`clients hold ${Math.round(crowds.reduce((sum, one) => sum + one.residentBytes, 0) / 1e6)} MB`);
    if (profile !== undefined) await to.endWorker('SIGTERM');
    const resumed = backs.reduce((sum, back) => sum + back.resumed, 0);
    return { killedAt, back: backs.flatMap(({ at }) => at), resumed, survivor, cpuSeconds, residentBytes };
  } finally {
    for (const act of cleanUps) act();
  }
};
