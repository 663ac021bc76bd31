import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { ISSUER, Issuer } from '../issuer.ts';

export const ANYCAST = '192.0.2.1';
export const PORT = 443;
export const SERVER_NAME = 'edge.test';
export const ECHO_PORT = 7;
const CLIENT = '198.51.100.2';
const TENANT = 'red';
const POPS = ['a', 'b'] as const;
export type Pop = (typeof POPS)[number];
const MESH = { a: '10.9.0.1', b: '10.9.0.2' } as const;
const UPLINK = { a: '10.1.0.2', b: '10.2.0.2' } as const;
const ROUTER = { a: '10.1.0.1', b: '10.2.0.1' } as const;
const NUMBER = { a: 1, b: 2 } as const;
const HANDOFF_PORT = 7443;
const MESH_PORT = 7444;

const ip = (...words: string[]): string => execFileSync('ip', words, { encoding: 'utf8' });
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
let made = 0;

/** Lines of sections of the workers' files, and what is in several of them. */
interface PopSettings {
  readonly handoff?: string;
  /** Data-plane threads of each. */
  readonly threads?: number;
  readonly tls?: string;
  /** They are a mesh, and have TUNs: devices have IP tunnels, and it is known where they are. */
  readonly mesh?: boolean;
}

/**
 * A client, a router and two PoPs with one anycast address and a link between them, each in a network namespace: the router
 * leads to the PoP that it is told.
 */
export class TwoPops {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-pops-'));
  readonly authority = createAuthority();
  readonly issuer = new Issuer();
  readonly #meshAuthority = createAuthority('CloudBridge flip mesh authority');
  readonly log: string[] = [];
  readonly #prefix = `cbp-${process.pid}-${++made}`;
  readonly #namespaces: string[] = [];
  readonly #children: ChildProcess[] = [];
  readonly #workers = new Map<Pop, ChildProcess>();
  #router: ChildProcess | undefined;
  /** Milliseconds of the monotonic clock at each change of route, and where to. */
  readonly flips: { readonly ms: number; readonly to: Pop }[] = [];

  close(): void {
    this.#router?.kill('SIGKILL');
    for (const child of this.#children) child.kill('SIGKILL');
    for (const name of this.#namespaces) ip('netns', 'delete', name);
    rmSync(this.folder, { recursive: true, force: true });
  }

  #name(suffix: string): string {
    return `${this.#prefix}-${suffix}`;
  }

  get clientNamespace(): string {
    return this.#name('c');
  }

  namespaceOf(pop: Pop): string {
    return this.#name(pop);
  }

  #namespace(suffix: string): string {
    const name = this.#name(suffix);
    ip('netns', 'add', name);
    this.#namespaces.push(name);
    ip('-n', name, 'link', 'set', 'lo', 'up');
    return name;
  }

  #link(a: string, deviceA: string, addressA: string, b: string, deviceB: string, addressB: string): void {
    ip(
      '-n',
      a,
      'link',
      'add',
      deviceA,
      'mtu',
      '1500',
      'type',
      'veth',
      'peer',
      'name',
      deviceB,
      'mtu',
      '1500',
      'netns',
      b,
    );
    for (const [name, device, address] of [
      [a, deviceA, addressA],
      [b, deviceB, addressB],
    ] as const) {
      ip('-n', name, 'address', 'add', address, 'dev', device);
      ip('-n', name, 'link', 'set', device, 'up');
    }
  }

  /** Makes the network. @param settings of `[handoff]` besides, and of the worker */
  async build(settings: PopSettings = {}): Promise<void> {
    const [client, router] = [this.#namespace('c'), this.#namespace('r')];
    this.#link(client, 'eth0', `${CLIENT}/24`, router, 'clients', '198.51.100.1/24');
    ip('-n', client, 'route', 'add', 'default', 'via', '198.51.100.1');
    execFileSync('ip', ['netns', 'exec', router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
    for (const pop of POPS) {
      const name = this.#namespace(pop);
      this.#link(name, 'uplink', `${UPLINK[pop]}/24`, router, `pop-${pop}`, `${ROUTER[pop]}/24`);
      ip('-n', name, 'route', 'add', 'default', 'via', ROUTER[pop]);
      ip('-n', name, 'address', 'add', `${ANYCAST}/32`, 'dev', 'lo');
    }
    this.#link(this.#name('a'), 'mesh', `${MESH.a}/24`, this.#name('b'), 'mesh', `${MESH.b}/24`);
    await this.#configure(settings);
    // One program that takes commands: starting one for each change would take milliseconds.
    this.#router = spawn('ip', ['-n', router, '-batch', '-'], { stdio: ['pipe', 'inherit', 'inherit'] });
    this.route('a');
  }

  /** What hands packets over: by keys in files, or by a mesh. */
  #between(pop: Pop, { handoff = '', threads = 1, mesh = false }: PopSettings): string {
    const other = pop === 'a' ? 'b' : 'a';
    if (!mesh)
      return `[tun]
enabled = false
[handoff]
worker = ${NUMBER[pop]}
address = "${MESH[pop]}"
port = ${HANDOFF_PORT}
${handoff}
[[handoff.peers]]
worker = ${NUMBER[other]}
address = "${MESH[other]}"
port = ${HANDOFF_PORT}
threads = ${threads}
key = "peer.key"
`;
    const { certificateChain, privateKey } = this.#meshAuthority.issue(`${pop}.mesh`, [`DNS:${pop}.mesh`]);
    const at = (name: string): string => path.join(this.folder, pop, name);
    writeFileSync(at('mesh.pem'), certificateChain);
    writeFileSync(at('mesh.key'), privateKey as string, { mode: 0o600 });
    writeFileSync(at('mesh-ca.pem'), this.#meshAuthority.pem);
    return `[tun]
name = "cbtun"
[handoff]
${handoff}
[mesh]
member = ${NUMBER[pop]}
listen = { address = "${MESH[pop]}", port = ${MESH_PORT} }
certificate = "${pop}/mesh.pem"
key = "${pop}/mesh.key"
authority = "${pop}/mesh-ca.pem"
peers = [{ member = ${NUMBER[other]}, name = "${other}.mesh", address = "${MESH[other]}", port = ${MESH_PORT} }]
`;
  }

  async #configure(settings: PopSettings): Promise<void> {
    const { threads = 1, tls = '' } = settings;
    const at = (name: string): string => path.join(this.folder, name);
    const { certificateChain, privateKey } = this.authority.issue(SERVER_NAME, [`DNS:${SERVER_NAME}`, `IP:${ANYCAST}`]);
    writeFileSync(at('edge.pem'), certificateChain);
    for (const [name, bytes] of [
      ['edge.key', privateKey as string],
      ['reset.key', Buffer.alloc(32, 7)],
      ['tickets.key', Buffer.alloc(80, 8)],
      ['peer.key', Buffer.alloc(32, 9)],
    ] as const)
      writeFileSync(at(name), bytes, { mode: 0o600 });
    writeFileSync(at('jwks.json'), await this.issuer.jwks());
    for (const pop of POPS) {
      mkdirSync(at(pop));
      const text = `pop = "${pop}"
worker = "w1"
state_directory = "${pop}"
drain_seconds = 0
[listen]
addresses = ["${ANYCAST}"]
port = ${PORT}
threads = ${threads}
[tls]
certificate = "edge.pem"
key = "edge.key"
reset_key = "reset.key"
ticket_keys = "tickets.key"
${tls}
[admin]
listen = "127.0.0.1:9464"
socket = "${pop}/admin.sock"
[proxy]
allowed = ["127.0.0.0/8"]
${this.#between(pop, settings)}[static]
issuer = "${ISSUER}"
jwks = "jwks.json"
tenants = [{ id = "${TENANT}", prefixes = ["10.64.0.0/10", "fd00:1::/48"] }]
`;
      writeFileSync(at(`${pop}.toml`), text);
    }
  }

  /** Starts a worker, and an echo beside it. */
  async start(pop: Pop): Promise<void> {
    const namespace = this.namespaceOf(pop);
    const main = here('../../../cli/main.ts');
    const inside = ['--pdeathsig', 'KILL', '--', 'ip', 'netns', 'exec', namespace, process.execPath, main];
    const child = spawn('setpriv', [...inside, 'worker', 'run', '--config', path.join(this.folder, `${pop}.toml`)], {
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    this.#children.push(child);
    this.#workers.set(pop, child);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.log.push(text));
    const serves = new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', (code) => reject(new Error(`worker ${pop} ended with ${code}:\n${this.log.join('')}`)));
    });
    const echo = this.run(namespace, here('echo.ts'), ['127.0.0.1', String(ECHO_PORT)]);
    await Promise.all([serves, new Promise((resolve) => echo.once('message', resolve))]);
  }

  /** Runs a program of ours in a namespace, with a channel to it; it ends with this process. */
  run(namespace: string, file: string, args: readonly string[] = []): ChildProcess {
    const child = fork(file, args, {
      execPath: '/bin/sh',
      execArgv: ['-c', 'exec setpriv --pdeathsig KILL -- ip netns exec "$0" "$@"', namespace, process.execPath],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#children.push(child);
    return child;
  }

  /** Kills a worker where it stands. */
  async kill(pop: Pop): Promise<void> {
    const child = this.#workers.get(pop) as ChildProcess;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  /** Lets a worker read its files again. @returns what it says of that */
  async reload(pop: Pop): Promise<string> {
    const from = this.log.length;
    const said = (): string | undefined =>
      this.log
        .slice(from)
        .join('')
        .split('\n')
        .find((line) => line.includes('read again'));
    (this.#workers.get(pop) as ChildProcess).kill('SIGHUP');
    for (const end = performance.now() + 10_000; said() === undefined; ) {
      if (performance.now() > end) throw new Error(`worker ${pop} did not read again:\n${this.log.join('')}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return said() as string;
  }

  /** Leads the anycast address to a PoP. */
  route(to: Pop): void {
    this.#router?.stdin?.write(`route replace ${ANYCAST}/32 via ${UPLINK[to]}\n`);
    this.flips.push({ ms: performance.timeOrigin + performance.now(), to });
  }

  /** Tokens of so many devices. */
  tokens(count: number): Promise<string[]> {
    const all = Array.from({ length: count }, (_, i) => {
      const tail = `${Math.floor(i / 250)}.${(i % 250) + 1}`;
      return { tenant: TENANT, device: `d${i}`, ipv4: `10.64.${tail}`, ipv6: `fd00:1::${(i + 1).toString(16)}` };
    });
    return Promise.all(all.map((identity) => this.issuer.token(identity)));
  }

  /** All series of a worker's `/metrics`. */
  metrics(pop: Pop): Map<string, number> {
    const words = ['netns', 'exec', this.namespaceOf(pop), 'curl', '-s', 'http://127.0.0.1:9464/metrics'];
    const lines = ip(...words)
      .split('\n')
      .filter((line) => !line.startsWith('#'));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
  }

  /** Round trip of the link between the PoPs in milliseconds: the median of twenty pings. */
  meshRttMs(): number {
    const words = ['netns', 'exec', this.namespaceOf('a'), 'ping', '-n', '-c', '20', '-i', '0.01', MESH.b];
    const times = Array.from(ip(...words).matchAll(/time=([\d.]+) ms/g), ([, time]) => Number(time));
    return times.sort((x, y) => x - y)[times.length >> 1] ?? Number.NaN;
  }
}
