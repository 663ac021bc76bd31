import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { EDGE4, EDGE6, INTERNET4, INTERNET6, PORT, SERVER_NAME } from './addresses.ts';
import type { DeviceOrder, DeviceReport, Resumable } from './device.ts';
import { type DeviceIdentity, Issuer } from './issuer.ts';
import { ip, Namespaces, nodad } from './namespaces.ts';
import { Reports } from './reports.ts';
import { SPOOFED, type SpoofedOrder, type SpoofedTold } from './spoofed-order.ts';
import { type MoreLines, WorkerFiles } from './worker-files.ts';

export { deviceOf, EDGE4, EDGE6, INTERNET4, INTERNET6, PORT } from './addresses.ts';
export { needsNamespaces } from './needs-namespaces.ts';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const CLOUDBRIDGE = here('../../cli/main.ts');
/** Of what is outside, for devices. */
const ROUTES = ['203.0.113.0/24', '2001:db8:f::/64'];

export interface TestDevice {
  readonly namespace: string;
  readonly reports: Reports;
  readonly child: ChildProcess;
}

let made = 0;

/** A worker between clients and the internet, each in a network namespace of its own; gone after the test. */
export class World {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-worker-'));
  /** Whom devices trust. */
  authority = createAuthority();
  readonly #namespaces = new Namespaces(`cbw-${process.pid}-${++made}`);
  readonly #files = new WorkerFiles(this.folder);
  readonly #issuer: Issuer;
  readonly configFile = this.#files.configuration;
  readonly socket = path.join(this.folder, 'admin.sock');
  /** Where the internet host was asked from. */
  readonly askedFrom: string[] = [];
  readonly log: string[] = [];
  /** Variables for what is started by command from now on. */
  environment: Readonly<Record<string, string>> = {};
  #clients = 0;
  worker: ChildProcess | undefined;

  /** @param t whose end is this world's end @param issuer whose tokens it takes, where several worlds take the same */
  constructor(t: Pick<TestContext, 'after'>, issuer = new Issuer()) {
    this.#issuer = issuer;
    t.after(() => this.#remove());
  }

  get workerNamespace(): string {
    return this.#namespaces.nameOf('w');
  }

  get internetNamespace(): string {
    return this.#namespaces.nameOf('i');
  }

  get table(): string {
    return 'cloudbridge_w1';
  }

  #remove(): void {
    this.#namespaces.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Runs a program in a namespace. @returns what it printed */
  run(namespace: string, ...command: string[]): string {
    return this.#namespaces.run(namespace, ...command);
  }

  exec(namespace: string, ...command: string[]): Promise<string> {
    return this.#namespaces.exec(namespace, ...command);
  }

  /** Makes worker and internet, with the worker's addresses on its loopback. */
  async network(): Promise<void> {
    const worker = this.#namespaces.make('w');
    const internet = this.#namespaces.make('i');
    this.#namespaces.link(worker, 'out', internet, 'in', [
      ['203.0.113.1/24', `${INTERNET4}/24`],
      ['2001:db8:f::1/64', `${INTERNET6}/64`],
    ]);
    for (const address of [`${EDGE4}/32`, `${EDGE6}/128`]) {
      ip('-n', worker, 'address', 'add', address, 'dev', 'lo', ...nodad(address));
    }
    const child = this.#namespaces.fork(internet, here('internet.ts'), [INTERNET4, '8000', INTERNET6, '8000']);
    await new Promise<void>((resolve) => {
      child.on('message', (message: { ready?: boolean; from?: string }) => {
        if (message.ready) resolve();
        if (message.from !== undefined) this.askedFrom.push(message.from);
      });
    });
  }

  /** Writes certificate, keys and configuration. @param more lines of TOML, by table */
  configure(more: MoreLines = {}): Promise<void> {
    return this.#files.write(this.authority, this.#issuer, more);
  }

  /** Gives the worker a control plane in place of its own files. @param settings of the section */
  control(settings: Parameters<WorkerFiles['control']>[0]): void {
    this.#files.control(settings);
  }

  /** Starts the worker by its command; resolves when it serves, rejects with its log when it does not. */
  startWorker(nodeArgs: readonly string[] = []): Promise<ChildProcess> {
    const args = [...nodeArgs, CLOUDBRIDGE, 'worker', 'run', '--config', this.configFile];
    const child = this.#namespaces.spawn(this.workerNamespace, args, {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      env: { ...process.env, ...this.environment },
    });
    this.worker = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.log.push(text));
    return new Promise((resolve, reject) => {
      child.once('message', () => resolve(child));
      child.once('exit', (code) => reject(new Error(`the worker ended with ${code}:\n${this.log.join('')}`)));
    });
  }

  /** Waits until `condition` holds. */
  async until(what: string, condition: () => boolean | Promise<boolean>, deadlineMs = 30_000): Promise<void> {
    for (const end = performance.now() + deadlineMs; !(await condition()); ) {
      if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms in vain: ${what}\n${this.log.join('')}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Sends a signal to the worker and waits for its end. @returns its exit code, or the signal that ended it */
  async endWorker(signal: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    const child = this.worker as ChildProcess;
    const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
      child.once('exit', (code, by) => resolve(code ?? by));
    });
    child.kill(signal);
    return ended;
  }

  /** What a worker could leave behind in its namespace. */
  leftovers(): { links: string[]; tables: string[]; routes: string[] } {
    const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
    const name = this.workerNamespace;
    return {
      links: lines(ip('-n', name, '-o', 'link', 'show')).filter((line) => line.includes('cbtun')),
      tables: lines(this.run(name, 'nft', 'list', 'tables')),
      routes: lines(ip('-n', name, 'route') + ip('-n', name, '-6', 'route')).filter((line) => line.includes('cbtun')),
    };
  }

  /** Runs `cloudbridge worker …` beside the worker. */
  command(...words: string[]): Promise<string> {
    return this.cloudbridge('worker', ...words, '--socket', this.socket);
  }

  /** Runs `cloudbridge …` beside the worker. */
  cloudbridge(...words: string[]): Promise<string> {
    return this.exec(this.workerNamespace, process.execPath, CLOUDBRIDGE, ...words);
  }

  /** Asks the admin listener. */
  async admin(pathname: string): Promise<{ status: number; text: string }> {
    const url = `http://127.0.0.1:9464${pathname}`;
    const text = await this.exec(this.workerNamespace, 'curl', '-s', '-w', '\n%{http_code}', url);
    const at = text.lastIndexOf('\n');
    return { status: Number(text.slice(at + 1)), text: text.slice(0, at) };
  }

  /** The value of a series of `/metrics`. */
  async metric(series: string): Promise<number> {
    const { text } = await this.admin('/metrics');
    const line = text.split('\n').find((one) => one.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1));
  }

  /** Whom a device of the worker talks to, and as whom. */
  async whom(identity: DeviceIdentity, edge: string = EDGE4) {
    const token = await this.#issuer.token(identity);
    return { edge, port: PORT, serverName: SERVER_NAME, trustAnchors: this.authority.pem, token };
  }

  /** A device in a namespace of its own; its tunnel is not waited for. @param routes besides the ones to what is outside */
  async connect(
    identity: DeviceIdentity,
    edge: string = EDGE4,
    nodeArgs: readonly string[] = [],
    namespace = this.clientNamespace(),
    resume?: Resumable,
    routes: readonly string[] = [],
  ): Promise<TestDevice> {
    const child = this.#namespaces.fork(namespace, here('device.ts'), [], nodeArgs);
    const reports = new Reports();
    child.on('message', (report: DeviceReport) => reports.add(report));
    const order: DeviceOrder = {
      ...(await this.whom(identity, edge)),
      device: 'tun0',
      routes: [...ROUTES, ...routes],
      resume,
    };
    child.send(order);
    return { namespace, reports, child };
  }

  /** A device that runs `cloudbridge connect` with these options. @returns its namespace, its lines as they come, how it ended, and what ends it */
  async connectByCommand(
    identity: DeviceIdentity,
    ...options: string[]
  ): Promise<{ namespace: string; lines: string[]; ended: Promise<string>; stop: () => void }> {
    const namespace = this.clientNamespace();
    const at = (name: string): string => path.join(this.folder, `${identity.device}.${name}`);
    writeFileSync(at('token'), await this.#issuer.token(identity), { mode: 0o600 });
    writeFileSync(at('ca'), this.authority.pem);
    const words = ['connect', '--json', '--server', `https://${EDGE4}`, '--token-file', at('token'), '--ca', at('ca')];
    const child = this.#namespaces.spawn(namespace, [CLOUDBRIDGE, ...words, ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CBR_HOME: this.folder, ...this.environment },
    });
    const lines: string[] = [];
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => lines.push(line));
    let errors = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    const ended = new Promise<string>((resolve) => child.once('close', (code) => resolve(`${code}: ${errors.trim()}`)));
    return { namespace, lines, ended, stop: () => void child.kill('SIGTERM') };
  }

  /** A namespace with a link to the worker, and a way to its addresses. @param mtu of the link */
  clientNamespace(mtu = 1500): string {
    const n = ++this.#clients;
    const name = this.#namespaces.make(`c${n}`);
    this.#namespaces.link(name, 'eth0', this.workerNamespace, `down${n}`, [
      [`198.51.100.${4 * n + 2}/30`, `198.51.100.${4 * n + 1}/30`],
      [`2001:db8:c:${n}::2/64`, `2001:db8:c:${n}::1/64`],
    ]);
    ip('-n', name, 'link', 'set', 'eth0', 'mtu', String(mtu));
    ip('-n', this.workerNamespace, 'link', 'set', `down${n}`, 'mtu', String(mtu));
    ip('-n', name, 'route', 'add', 'default', 'via', `198.51.100.${4 * n + 1}`);
    ip('-n', name, 'route', 'add', 'default', 'via', `2001:db8:c:${n}::1`);
    return name;
  }

  /** Sends datagrams to the worker from many addresses, out of a namespace that `clientNamespace` made. */
  async spoof(namespace: string, order: Omit<SpoofedOrder, 'address'>): Promise<SpoofedTold> {
    const [, own = ''] = /inet ([\d.]+)/.exec(ip('-n', namespace, '-4', '-o', 'address', 'show', 'dev', 'eth0')) ?? [];
    ip('-n', namespace, 'route', 'replace', 'local', SPOOFED, 'dev', 'lo');
    ip('-n', this.workerNamespace, 'route', 'replace', SPOOFED, 'via', own);
    const child = this.#namespaces.fork(namespace, here('spoofed.ts'));
    const told = new Promise<SpoofedTold>((resolve, reject) => {
      child.once('message', resolve);
      child.once('exit', (code) => reject(new Error(`the sender ended with ${code}`)));
    });
    child.send({ ...order, address: EDGE4 } satisfies SpoofedOrder);
    return told;
  }

  async download(namespace: string, ...urls: string[]): Promise<{ digest: string; bytes: number; seconds: number }[]> {
    return JSON.parse(await this.exec(namespace, process.execPath, here('download.ts'), ...urls));
  }

  revoke(revocations: unknown): void {
    this.#files.revoke(revocations);
    this.worker?.kill('SIGHUP');
  }
}
