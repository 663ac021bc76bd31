import { type ChildProcess, execFile, execFileSync, fork, type SpawnOptions, spawn } from 'node:child_process';
import { promisify } from 'node:util';

const exec = promisify(execFile);
export const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8' });

/** Duplicate address detection would hold IPv6 up for seconds. */
export const nodad = (address: string): string[] => (address.includes(':') ? ['nodad'] : []);

/** What runs in them ends with this process, however that ends. */
const BOUND = ['--pdeathsig', 'KILL', '--', 'ip', 'netns', 'exec'];

/** Network namespaces of one test, links between them, and programs in them. */
export class Namespaces {
  readonly #prefix: string;
  readonly #names: string[] = [];
  readonly #children: ChildProcess[] = [];

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  nameOf(suffix: string): string {
    return `${this.#prefix}-${suffix}`;
  }

  /** @returns its name */
  make(suffix: string): string {
    const name = this.nameOf(suffix);
    ip('netns', 'add', name);
    this.#names.push(name);
    this.run(name, 'sh', '-c', 'for file in /proc/sys/net/ipv6/conf/*/accept_dad; do echo 0 > $file; done');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    return name;
  }

  /** @param pairs addresses of both ends, with their lengths */
  link(a: string, deviceA: string, b: string, deviceB: string, pairs: readonly (readonly [string, string])[]): void {
    ip('-n', a, 'link', 'add', deviceA, 'type', 'veth', 'peer', 'name', deviceB, 'netns', b);
    for (const [name, device, side] of [[a, deviceA, 0] as const, [b, deviceB, 1] as const]) {
      ip('-n', name, 'link', 'set', device, 'up');
      for (const pair of pairs) ip('-n', name, 'address', 'add', pair[side], 'dev', device, ...nodad(pair[side]));
    }
  }

  /** Runs a program in a namespace. @returns what it printed */
  run(namespace: string, ...command: string[]): string {
    return execFileSync('ip', ['netns', 'exec', namespace, ...command], { encoding: 'utf8' });
  }

  async exec(namespace: string, ...command: string[]): Promise<string> {
    return (await exec('ip', ['netns', 'exec', namespace, ...command], { encoding: 'utf8', timeout: 60_000 })).stdout;
  }

  /** Starts a file of Node in a namespace, with a channel for messages. */
  fork(namespace: string, file: string, args: readonly string[] = [], nodeArgs: readonly string[] = []): ChildProcess {
    const child = fork(file, args, {
      execPath: '/bin/sh',
      execArgv: ['-c', `exec setpriv ${BOUND.join(' ')} "$0" "$@"`, namespace, process.execPath, ...nodeArgs],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#children.push(child);
    return child;
  }

  /** Starts Node in a namespace with these arguments. */
  spawn(namespace: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    const child = spawn('setpriv', [...BOUND, namespace, process.execPath, ...args], options);
    this.#children.push(child);
    return child;
  }

  /** Ends all programs and removes all namespaces. */
  close(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const name of this.#names) ip('netns', 'delete', name);
  }
}
