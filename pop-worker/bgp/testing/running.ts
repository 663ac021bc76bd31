import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { NeighbourStatus } from '#pop-worker/routing/bgp/status.ts';
import { askProgram } from '../../admin/client.ts';
import { until } from './raw-peer.ts';

const MAIN = fileURLToPath(new URL('run.ts', import.meta.url));
const OUR_AS = 64_512;

/** A port that nobody listens at. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { readonly port: number };
      server.close(() => resolve(port));
    });
  });

/** `cloudbridge bgp run` on the loopback, as a process of its own. */
export class RunningSpeaker {
  readonly port: number;
  readonly #child: ChildProcess;
  /** Path of the one that is asked. */
  readonly socket: string;
  readonly #metricsPort: number;
  lines = '';

  readonly #write: (neighbors: readonly object[]) => void;

  private constructor(
    child: ChildProcess,
    socket: string,
    port: number,
    metricsPort: number,
    write: (neighbors: readonly object[]) => void,
  ) {
    this.#write = write;
    this.#child = child;
    this.socket = socket;
    this.port = port;
    this.#metricsPort = metricsPort;
    child.stderr?.on('data', (bytes: Buffer) => (this.lines += bytes));
  }

  /**
   * @param neighbors rows of `[[neighbor]]`; each is waited for, takes and is told everything, unless it says otherwise
   * @param most files that it may have open
   */
  static async start(t: TestContext, neighbors: readonly object[], most = 256): Promise<RunningSpeaker> {
    const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-bgp-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const [port, metricsPort] = [await freePort(), await freePort()];
    const socket = path.join(folder, 'bgp.sock');
    const shared = { passive: true, import: 'all', export: 'all', next_hop4: '192.0.2.2', families: ['ipv4-unicast'] };
    const settings = {
      shutdown_text: 'back at noon',
      ...{ as: OUR_AS, router_id: '192.0.2.2', listen: [`127.0.0.1:${port}`], socket },
      metrics: `127.0.0.1:${metricsPort}`,
    };
    const write = (all: readonly object[]): void => {
      const neighbor = all.map((one) => ({ ...shared, ...one }));
      writeFileSync(path.join(folder, 'bgp.json'), JSON.stringify({ ...settings, neighbor }));
    };
    write(neighbors);
    const command = [
      '-c',
      `ulimit -n ${most} && exec "$@"`,
      'sh',
      process.execPath,
      MAIN,
      path.join(folder, 'bgp.json'),
    ];
    const child = spawn('sh', command, { stdio: ['ignore', 'ignore', 'pipe'] });
    t.after(() => child.kill('SIGKILL'));
    const speaker = new RunningSpeaker(child, socket, port, metricsPort, write);
    await until('the speaker runs', () => speaker.lines.includes('"running"'));
    return speaker;
  }

  /** Has these neighbours from now on. */
  change(neighbors: readonly object[]): void {
    this.#write(neighbors);
    this.#child.kill('SIGHUP');
  }

  end(): void {
    this.#child.kill('SIGTERM');
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** MiB of memory that are its own. */
  get memory(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024;
  }

  get openFiles(): number {
    return readdirSync(`/proc/${this.#child.pid}/fd`).length;
  }

  async status(name: string): Promise<NeighbourStatus> {
    const { neighbors } = (await askProgram('bgp', this.socket, 'status')) as { readonly neighbors: NeighbourStatus[] };
    return neighbors.find((one) => one.name === name) as NeighbourStatus;
  }

  /** @param series with its labels, as `/metrics` has it */
  async metric(series: string): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.#metricsPort}/metrics`)).text();
    const line = text.split('\n').find((one) => one.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1));
  }
}
