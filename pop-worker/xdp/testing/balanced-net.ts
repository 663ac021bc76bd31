import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import { BpfObject } from '#host/bpf/object.ts';
import { XdpLink, XdpMode } from '#host/bpf/program.ts';
import { native } from '#host/native.ts';
import { inNamespace, ip, testNamespace } from '#host/testing/namespace.ts';

export const VIP = '198.51.100.80';
export const VIP6 = '2001:db8:80::80';
const ROOT = path.join(import.meta.dirname, '../../..');

/** What a server at a backend answers with: its name, at once, and then whatever it is told. */
const SERVER = `
  const name = process.argv[1];
  require('node:net').createServer((socket) => {
    socket.on('error', () => {});
    socket.write(name + '\\n');
    socket.pipe(socket);
  }).listen(8080, '::', () => console.log('ready'));
`;

interface Host {
  readonly name: string;
  readonly path: string;
}

const sysctl = (host: Host, setting: string): void => {
  execFileSync('ip', ['netns', 'exec', host.name, 'sysctl', '-qw', setting]);
};

/** A link between two namespaces, with addresses of both families. @param number of the link, from 1 */
const join = (a: Host, b: Host, at: string, number: number): void => {
  ip('link', 'add', at, 'netns', a.name, 'type', 'veth', 'peer', 'name', 'wan', 'netns', b.name);
  for (const [host, device, last] of [
    [a, at, 1],
    [b, 'wan', 2],
  ] as const) {
    ip('-n', host.name, 'address', 'add', `10.77.${number}.${last}/24`, 'dev', device);
    ip('-n', host.name, 'address', 'add', `fd77:${number}::${last}/64`, 'dev', device, 'nodad');
    ip('-n', host.name, 'link', 'set', 'dev', device, 'up');
  }
  ip('-n', b.name, 'route', 'add', 'default', 'via', `10.77.${number}.1`);
  ip('-n', b.name, '-6', 'route', 'add', 'default', 'via', `fd77:${number}::1`);
};

/** A program of a backend, or of a client, without which a veth does not take what is redirected to it. */
const attach = (t: TestContext, host: Host, device: string): void => {
  const object = BpfObject.load(readFileSync(path.join(ROOT, 'bpf/gen/decap.o')), 'decap');
  const program = object.program('decapsulate');
  object.close();
  const link = inNamespace(host.path, () => XdpLink.attach(program, native.interfaceIndex(device), XdpMode.native));
  t.after(() => {
    link.close();
    program.close();
  });
};

/** A server at a backend, which dies and comes back as it is told. */
class BackendServer {
  readonly #host: Host;
  readonly #name: string;
  #child: ChildProcess | undefined;

  constructor(t: TestContext, host: Host, name: string) {
    this.#host = host;
    this.#name = name;
    t.after(() => this.#child?.kill());
  }

  async start(): Promise<void> {
    const args = ['netns', 'exec', this.#host.name, process.execPath, '-e', SERVER, this.#name];
    const child = spawn('ip', args, { stdio: 'pipe' });
    this.#child = child;
    await new Promise((resolve) => child.stdout.once('data', resolve));
  }

  async kill(): Promise<void> {
    const ended = new Promise((resolve) => this.#child?.once('exit', resolve));
    this.#child?.kill('SIGKILL');
    await ended;
  }
}

/** A balancer between a client and three backends, which have the services' addresses themselves. */
export const balancedNet = async (t: TestContext) => {
  const [client, balancer, ...backends] = Array.from({ length: 5 }, () => testNamespace(t)) as [Host, Host, ...Host[]];
  const device = `cbx${process.pid}`;
  join(balancer, client, device, 1);
  for (const setting of ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']) sysctl(balancer, setting);
  attach(t, client, 'wan');
  const servers: BackendServer[] = [];
  for (const [i, host] of backends.entries()) {
    join(balancer, host, `b${i + 1}`, i + 2);
    ip('-n', host.name, 'address', 'add', `${VIP}/32`, 'dev', 'lo');
    ip('-n', host.name, 'address', 'add', `${VIP6}/128`, 'dev', 'lo', 'nodad');
    for (const setting of ['net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.wan.rp_filter=0']) sysctl(host, setting);
    attach(t, host, 'wan');
    const server = new BackendServer(t, host, `backend-${i + 1}`);
    await server.start();
    servers.push(server);
  }
  return {
    servers,
    client,
    balancer,
    device,
    addresses: backends.map((_, i) => `10.77.${i + 2}.2`),
    addresses6: backends.map((_, i) => `fd77:${i + 2}::2`),
  };
};

/** Connections of a client. */
export class Callers {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(t: TestContext, host: Host) {
    const main = path.join(import.meta.dirname, 'callers-main.ts');
    this.#child = spawn('ip', ['netns', 'exec', host.name, process.execPath, main], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface({ input: this.#child.stdout as Readable })[Symbol.asyncIterator]();
    t.after(() => this.#child.kill());
  }

  async #ask<Answer>(line: string): Promise<Answer> {
    this.#child.stdin?.write(`${line}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('the client has ended');
    return JSON.parse(value) as Answer;
  }

  /** @returns which backends answered, each with its name */
  open(address: string, count: number): Promise<string[]> {
    return this.#ask(`open ${address} ${count}`);
  }

  /** Whether each of all that were opened still answers, in order. */
  alive(): Promise<boolean[]> {
    return this.#ask('check');
  }
}

/** `cloudbridge xdp run` in a namespace, until it is stopped. */
export class Runner {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.on('data', (data) => this.#lines.push(String(data)));
  }

  static async start(host: Host, device: string, file: string): Promise<Runner> {
    const main = path.join(ROOT, 'cli/main.ts');
    const args = [`--net=${host.path}`, process.execPath, main, 'xdp', 'run', device, '--config', file];
    const runner = new Runner(spawn('nsenter', args, { stdio: ['ignore', 'ignore', 'pipe'] }));
    await runner.#until(() => runner.#lines.join('').includes('"attached"'));
    return runner;
  }

  get log(): string {
    return this.#lines.join('');
  }

  /** Until it has logged this message so often since its start. */
  async logged(message: string, times: number): Promise<void> {
    await this.#until(() => this.log.split(`"${message}"`).length > times);
  }

  async #until(is: () => boolean): Promise<void> {
    for (const end = Date.now() + 15_000; !is(); await new Promise((resolve) => setTimeout(resolve, 20)))
      if (Date.now() > end || this.#child.exitCode !== null) throw new Error(`xdp run says: ${this.log}`);
  }

  /** It reads its file again. */
  async reload(file: string, text: string): Promise<void> {
    writeFileSync(file, text);
    const before = this.log.split('read again').length;
    this.#child.kill('SIGHUP');
    await this.#until(() => this.log.split('read again').length > before);
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill(signal);
    await ended;
  }
}
