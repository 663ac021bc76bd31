/** A worker as users run it, that serves WireGuard and MASQUE in one data-plane thread, and strangers in front of it. */
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from '#lab/command.ts';
import { withIdentity } from '../harness/identity.ts';
import { goodputOf, iperfClient, iperfServer } from '../harness/iperf.ts';
import { BEYOND_PREFIX, type Chain, withChain } from '../harness/network.ts';
import { type Program, type ProgramSpec, withPrograms } from '../harness/program.ts';
import { OURS as TUNNEL } from '../implementations/tunnel.ts';
import { OURS as INTERFACE } from '../implementations/wireguard.ts';
import { identityOf } from '../wireguard-load/messages.ts';
import type { StrangerOrder } from '../wireguard-load/stranger-order.ts';
import { configure, type StartProgram, startInterface } from './scene.ts';
import { costOf, filtered, routeSpoofed, under } from './strangers.ts';

const CPUS = { server: 1, client: 0 } as const;
const PORT = 51_820;
const MTU = 1400;
const INSIDE = {
  ...{ device: 'tunnel0', mtu: MTU, network: '10.64.0.0/24', proxy: '10.64.0.1', client: '10.64.0.2' },
  route: BEYOND_PREFIX,
} as const;
const SECONDS = 3;
/** A flood goes on until after what is measured under it. */
const FLOOD_SECONDS = SECONDS + 4;
const LONG_FLOOD_SECONDS = 14;
const LIMIT_MS = 60_000;

/** Those that the worker knows, by their numbers. */
const PEERS = [1, 2, 3] as const;

const isDone = (...command: Parameters<typeof runCommand>): Promise<boolean> =>
  runCommand(...command).then(
    () => true,
    () => false,
  );

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');

export type Flood = Pick<StrangerOrder, 'kind' | 'sources' | 'rate'>;

/** A worker, a client's host and what lies behind the worker. */
export class Pop {
  readonly worker: Program;
  readonly #chain: Chain;
  readonly #start: StartProgram;
  readonly #key: Uint8Array;
  readonly #peers: ReadonlyMap<number, Uint8Array>;
  readonly #connect: () => Promise<Program>;

  constructor(
    chain: Chain,
    start: StartProgram,
    worker: Program,
    key: Uint8Array,
    peers: ReadonlyMap<number, Uint8Array>,
    connect: () => Promise<Program>,
  ) {
    this.worker = worker;
    this.#chain = chain;
    this.#start = start;
    this.#key = key;
    this.#peers = peers;
    this.#connect = connect;
  }

  get #atClient() {
    return { namespace: this.#chain.client.namespace, cpu: CPUS.client };
  }

  /** Runs `work` while one of its peers is there, with its routes if they are wanted. */
  async byWireGuard<T>(number: (typeof PEERS)[number], work: (device: string) => Promise<T>, leads = true): Promise<T> {
    const { server, client } = this.#chain;
    const device = `cbb${process.pid}p${number}`;
    const program = await startInterface(this.#start, INTERFACE, client, device, CPUS.client);
    try {
      const own = this.#peers.get(number) as Uint8Array;
      const lines = [
        ...['[Interface]', `PrivateKey = ${base64(own)}`, '[Peer]'],
        ...[`PublicKey = ${base64(identityOf(this.#key).publicKey)}`, 'AllowedIPs = 0.0.0.0/0'],
        ...[`Endpoint = ${server.address}:${PORT}`, ''],
      ];
      await configure(device, lines.join('\n'));
      const route = leads ? `route add ${BEYOND_PREFIX} dev ${device}\n` : '';
      const batch = `address add 10.64.0.${10 + number}/32 dev ${device}\nlink set ${device} mtu ${MTU} up\n${route}`;
      await runCommand('ip', ['-n', client.namespace, '-batch', '-'], { input: batch });
      return await work(device);
    } finally {
      await program.stop();
      rmSync(`/var/run/wireguard/${device}.sock`, { force: true });
    }
  }

  /** Runs `work` while a device is there by MASQUE. */
  async byMasque<T>(work: () => Promise<T>): Promise<T> {
    const program = await this.#connect();
    try {
      return await work();
    } finally {
      await program.stop();
    }
  }

  /** What a TCP flow of whoever is there brings to the host behind the worker, in Gbit/s. */
  async goodput(): Promise<number> {
    const sender = this.#start(await iperfClient(this.#chain.beyond.address, SECONDS, 'up'), this.#atClient);
    await sender.finish(LIMIT_MS);
    return goodputOf(sender.output);
  }

  /** How long until a host behind the worker answers a peer that comes now, in ms. */
  async newcomer(number: (typeof PEERS)[number], limitMs: number): Promise<number> {
    const { client, beyond } = this.#chain;
    return this.byWireGuard(
      number,
      async (device) => {
        const ping = ['netns', 'exec', client.namespace, 'ping', '-c', '1', '-W', '1', '-I', device, beyond.address];
        const from = performance.now();
        while (!(await isDone('ip', ping)))
          if (performance.now() - from > limitMs) throw new Error(`A newcomer was not served in ${limitMs / 1000} s.`);
        return performance.now() - from;
      },
      false,
    );
  }

  #order(flood: Flood, seconds: number): StrangerOrder {
    const server = base64(identityOf(this.#key).publicKey);
    return { ...flood, peer: PEERS[0], seconds, server, address: this.#chain.server.address, port: PORT };
  }

  /** As `goodput`, under a flood, and what part of this got cookies. */
  async goodputUnder(flood: Flood): Promise<{ readonly goodput: number; readonly cookies: number }> {
    const start = (spec: ProgramSpec) => this.#start(spec, this.#atClient);
    const { seen, told } = await under(start, this.#order(flood, FLOOD_SECONDS), () => this.goodput());
    return { goodput: seen, cookies: told.cookies / told.sent };
  }

  /** The same where a packet filter drops the flood: what its sender and the network leave. */
  async goodputFiltered(flood: Flood): Promise<number> {
    return (await filtered(this.#chain, () => this.goodputUnder(flood))).goodput;
  }

  /** As `newcomer`, under a flood. */
  async newcomerUnder(flood: Flood, number: (typeof PEERS)[number], limitMs: number): Promise<number> {
    const start = (spec: ProgramSpec) => this.#start(spec, this.#atClient);
    const { seen } = await under(start, this.#order(flood, LONG_FLOOD_SECONDS), () => this.newcomer(number, limitMs));
    return seen;
  }

  /** What a flood costs the worker while nobody else wants anything. */
  costOf(flood: Flood) {
    const start = (spec: ProgramSpec) => this.#start(spec, this.#atClient);
    return costOf(this.worker.pid, start, this.#order(flood, FLOOD_SECONDS));
  }
}

/** Runs `work` with a worker that is pinned to a CPU, as what lies behind it is; all else has another one. */
export const withPop = <T>(work: (pop: Pop) => Promise<T>): Promise<T> =>
  withIdentity((identity, folder) =>
    withChain(1500, (chain) =>
      withPrograms(async (start) => {
        const { server, client, beyond } = chain;
        await routeSpoofed(chain);
        const key = randomBytes(32);
        const peers = new Map(PEERS.map((number) => [number, randomBytes(32)] as const));
        const records = [...peers].map(([number, own]) => ({
          ...{ tenant: 'bench', device: `wireguard-${number}`, number },
          ...{ publicKey: base64(identityOf(own).publicKey), sources: [`10.64.0.${10 + number}/32`] },
        }));
        const save = (name: string, text: string): void =>
          writeFileSync(path.join(folder, name), text, { mode: 0o600 });
        save('wireguard.key', base64(key));
        save('peers.json', JSON.stringify(records));
        const settings = 'wireguard = "peers.json"\n[wireguard]\nprivate_key_file = "wireguard.key"\n';
        const order = { ...INSIDE, identity, folder, address: server.address, port: 443, settings };
        const worker = start(await TUNNEL.proxy(order), { namespace: server.namespace, cpu: CPUS.server });
        await worker.ready;
        const iperf = start(await iperfServer(beyond.address), { namespace: beyond.namespace, cpu: CPUS.server });
        await iperf.ready;
        const connect = async (): Promise<Program> => {
          const place = { namespace: client.namespace, cpu: CPUS.client };
          const program = start(await TUNNEL.client({ ...order, settings: '' }), place);
          await program.ready;
          return program;
        };
        return await work(new Pop(chain, start, worker, key, peers, connect));
      }),
    ),
  );
