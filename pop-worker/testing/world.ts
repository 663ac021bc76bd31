import { type ChildProcess, execFile, execFileSync, fork, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import type { DeviceOrder, DeviceReport, Resumable } from './device.ts';
import { type DeviceIdentity, ISSUER, Issuer } from './issuer.ts';

const exec = promisify(execFile);
const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export const EDGE4 = '192.0.2.1';
export const EDGE6 = '2001:db8:a::1';
export const INTERNET4 = '203.0.113.10';
export const INTERNET6 = '2001:db8:f::10';
export const PORT = 443;
const SERVER_NAME = 'edge.test';
const NAMES = [`DNS:${SERVER_NAME}`, `IP:${EDGE4}`, `IP:${EDGE6}`];
const ROUTES = ['203.0.113.0/24', '2001:db8:f::/64'];

export const TENANTS = [
  { id: 'red', prefixes: ['10.64.0.0/10', 'fd00:1::/48'] },
  { id: 'blue', prefixes: ['10.64.0.0/10', 'fd00:2::/48'] },
] as const;

/** The first report of its kind, or the second … */
export class Reports {
  readonly all: DeviceReport[] = [];
  #changed: () => void = () => {};

  add(report: DeviceReport): void {
    this.all.push(report);
    this.#changed();
  }

  async of<T extends DeviceReport['type']>(type: T): Promise<Extract<DeviceReport, { type: T }>> {
    for (;;) {
      const found = this.all.find((report) => report.type === type);
      if (found !== undefined) return found as Extract<DeviceReport, { type: T }>;
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

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
  readonly #prefix = `cbw-${process.pid}-${++made}`;
  readonly #namespaces: string[] = [];
  readonly #children: ChildProcess[] = [];
  readonly #issuer: Issuer;
  readonly configFile = path.join(this.folder, 'worker.toml');
  readonly socket = path.join(this.folder, 'admin.sock');
  readonly revocations = path.join(this.folder, 'revoked.json');
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
    return `${this.#prefix}-w`;
  }

  get internetNamespace(): string {
    return `${this.#prefix}-i`;
  }

  get table(): string {
    return 'cloudbridge_w1';
  }

  #remove(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const name of this.#namespaces) ip('netns', 'delete', name);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #namespace(suffix: string): string {
    const name = `${this.#prefix}-${suffix}`;
    ip('netns', 'add', name);
    this.#namespaces.push(name);
    // Duplicate address detection would hold IPv6 up for seconds.
    this.run(name, 'sh', '-c', 'for file in /proc/sys/net/ipv6/conf/*/accept_dad; do echo 0 > $file; done');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    return name;
  }

  /** Runs a program in a namespace. @returns what it printed */
  run(namespace: string, ...command: string[]): string {
    return execFileSync('ip', ['netns', 'exec', namespace, ...command], { encoding: 'utf8' });
  }

  async exec(namespace: string, ...command: string[]): Promise<string> {
    return (await exec('ip', ['netns', 'exec', namespace, ...command], { encoding: 'utf8', timeout: 60_000 })).stdout;
  }

  #link(a: string, deviceA: string, b: string, deviceB: string, pairs: readonly (readonly [string, string])[]): void {
    ip('-n', a, 'link', 'add', deviceA, 'type', 'veth', 'peer', 'name', deviceB, 'netns', b);
    for (const [name, device, side] of [[a, deviceA, 0] as const, [b, deviceB, 1] as const]) {
      ip('-n', name, 'link', 'set', device, 'up');
      for (const pair of pairs) ip('-n', name, 'address', 'add', pair[side], 'dev', device, ...nodad(pair[side]));
    }
  }

  /** Makes worker and internet, with the worker's addresses on its loopback. */
  async network(): Promise<void> {
    const worker = this.#namespace('w');
    const internet = this.#namespace('i');
    this.#link(worker, 'out', internet, 'in', [
      ['203.0.113.1/24', `${INTERNET4}/24`],
      ['2001:db8:f::1/64', `${INTERNET6}/64`],
    ]);
    for (const address of [`${EDGE4}/32`, `${EDGE6}/128`]) {
      ip('-n', worker, 'address', 'add', address, 'dev', 'lo', ...nodad(address));
    }
    const child = this.#fork(internet, here('internet.ts'), [INTERNET4, '8000', INTERNET6, '8000']);
    await new Promise<void>((resolve) => {
      child.on('message', (message: { ready?: boolean; from?: string }) => {
        if (message.ready) resolve();
        if (message.from !== undefined) this.askedFrom.push(message.from);
      });
    });
  }

  #fork(namespace: string, file: string, args: readonly string[] = [], nodeArgs: readonly string[] = []): ChildProcess {
    const child = fork(file, args, {
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
    this.#children.push(child);
    return child;
  }

  /** Writes certificate, keys and configuration. @param more lines of TOML, by table */
  async configure(
    more: { top?: string; listen?: string; tls?: string; static?: string; tun?: string; proxy?: string } = {},
  ): Promise<void> {
    const at = (name: string): string => path.join(this.folder, name);
    const { certificateChain, privateKey } = this.authority.issue(SERVER_NAME, NAMES);
    writeFileSync(at('edge.pem'), certificateChain);
    writeFileSync(at('edge.key'), privateKey as string, { mode: 0o600 });
    writeFileSync(at('reset.key'), Buffer.alloc(32, 7), { mode: 0o600 });
    writeFileSync(at('jwks.json'), await this.#issuer.jwks());
    writeFileSync(this.revocations, '[]');
    const tenants = TENANTS.map(({ id, prefixes }) => `{ id = "${id}", prefixes = ${JSON.stringify(prefixes)} }`);
    writeFileSync(
      this.configFile,
      `pop = "test"
worker = "w1"
state_directory = "state"
drain_seconds = 2
${more.top ?? ''}
[listen]
addresses = ["${EDGE4}", "${EDGE6}"]
port = ${PORT}
${more.listen ?? ''}
[tls]
certificate = "edge.pem"
key = "edge.key"
reset_key = "reset.key"
${more.tls ?? ''}
[tun]
name = "cbtun"
${more.tun ?? ''}
[admin]
listen = "127.0.0.1:9464"
socket = "admin.sock"
[proxy]
${more.proxy ?? ''}
[static]
issuer = "${ISSUER}"
jwks = "jwks.json"
revocations = "revoked.json"
tenants = [${tenants.join(', ')}]
${more.static ?? ''}
`,
    );
  }

  /** Gives the worker a control plane in place of its own files. @param settings of the section */
  control(settings: { readonly servers: readonly string[]; readonly revisionKeys: Record<string, string> }): void {
    const text = readFileSync(this.configFile, 'utf8');
    const keys = Object.entries(settings.revisionKeys).map(([id, key]) => `"${id}" = "${key}"`);
    const section = `[control]\nservers = ${JSON.stringify(settings.servers)}\nrevision_keys = { ${keys.join(', ')} }\n`;
    writeFileSync(this.configFile, `${text.slice(0, text.indexOf('[static]'))}${section}`);
  }

  /** Starts the worker by its command; resolves when it serves, rejects with its log when it does not. */
  startWorker(nodeArgs: readonly string[] = []): Promise<ChildProcess> {
    const file = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
    const args = [...nodeArgs, file, 'worker', 'run', '--config', this.configFile];
    // It ends with this process, however that ends.
    const inside = ['--pdeathsig', 'KILL', '--', 'ip', 'netns', 'exec', this.workerNamespace, process.execPath];
    const child = spawn('setpriv', [...inside, ...args], {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      env: { ...process.env, ...this.environment },
    });
    this.#children.push(child);
    this.worker = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.log.push(text));
    return new Promise((resolve, reject) => {
      child.once('message', () => resolve(child));
      child.once('exit', (code) => reject(new Error(`the worker ended with ${code}:\n${this.log.join('')}`)));
    });
  }

  /** Waits until `condition` holds. */
  async until(what: string, condition: () => boolean | Promise<boolean>, deadlineMs = 10_000): Promise<void> {
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
    const file = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
    return this.exec(this.workerNamespace, process.execPath, file, ...words);
  }

  /** Asks the admin listener. */
  async admin(pathname: string): Promise<{ status: number; text: string }> {
    const text = await this.exec(
      this.workerNamespace,
      'curl',
      '-s',
      '-w',
      '\n%{http_code}',
      `http://127.0.0.1:9464${pathname}`,
    );
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
    const child = this.#fork(namespace, here('device.ts'), [], nodeArgs);
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
    const file = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
    const words = ['connect', '--json', '--server', `https://${EDGE4}`, '--token-file', at('token'), '--ca', at('ca')];
    const inside = ['--pdeathsig', 'KILL', '--', 'ip', 'netns', 'exec', namespace, process.execPath, file];
    const child = spawn('setpriv', [...inside, ...words, ...options], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CBR_HOME: this.folder, ...this.environment },
    });
    this.#children.push(child);
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
    const name = this.#namespace(`c${n}`);
    this.#link(name, 'eth0', this.workerNamespace, `down${n}`, [
      [`198.51.100.${4 * n + 2}/30`, `198.51.100.${4 * n + 1}/30`],
      [`2001:db8:c:${n}::2/64`, `2001:db8:c:${n}::1/64`],
    ]);
    ip('-n', name, 'link', 'set', 'eth0', 'mtu', String(mtu));
    ip('-n', this.workerNamespace, 'link', 'set', `down${n}`, 'mtu', String(mtu));
    ip('-n', name, 'route', 'add', 'default', 'via', `198.51.100.${4 * n + 1}`);
    ip('-n', name, 'route', 'add', 'default', 'via', `2001:db8:c:${n}::1`);
    return name;
  }

  async download(namespace: string, ...urls: string[]): Promise<{ digest: string; bytes: number; seconds: number }[]> {
    return JSON.parse(await this.exec(namespace, process.execPath, here('download.ts'), ...urls));
  }

  revoke(revocations: unknown): void {
    writeFileSync(this.revocations, JSON.stringify(revocations));
    this.worker?.kill('SIGHUP');
  }
}

const nodad = (address: string): string[] => (address.includes(':') ? ['nodad'] : []);

/** @param n 2, 3, … */
export const deviceOf = (tenant: 'red' | 'blue', n: number): DeviceIdentity => ({
  tenant,
  device: `${tenant}${n}`,
  ipv4: `10.64.0.${n}`,
  ipv6: `fd00:${tenant === 'red' ? 1 : 2}::${n}`,
});

/** Why such a test cannot run here, or false. */
export const needsNamespaces: string | false =
  process.getuid?.() !== 0 ? 'needs root to make network namespaces' : missing();

function missing(): string | false {
  for (const tool of ['ip', 'nft', 'curl', 'ping']) {
    try {
      execFileSync('sh', ['-c', `command -v ${tool}`]);
    } catch {
      return `needs ${tool}`;
    }
  }
  try {
    readFileSync('/proc/net/dev');
    return false;
  } catch {
    return 'needs /proc';
  }
}
