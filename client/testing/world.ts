import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { ip, testNamespace } from '#host/testing/namespace.ts';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { createIssuer, type EdgeOrder } from './edge-server.ts';

const run = promisify(execFile);
const ROOT = path.resolve(import.meta.dirname, '../..');
const EDGE = path.join(ROOT, 'client/testing/edge-server.ts');
const MAIN = path.join(ROOT, 'cli/main.ts');

export const EDGE4 = '192.0.2.1';
export const EDGE6 = '2001:db8:a::1';
export const HOST4 = '203.0.113.10';
export const HOST6 = '2001:db8:f::10';

const NO_DAD = 'for f in /proc/sys/net/ipv6/conf/*/accept_dad; do echo 0 > $f; done';

/** Joins two namespaces by a veth pair with these addresses. */
const join = (a: string, b: string, device: string, addressesA: string[], addressesB: string[]): void => {
  ip('-n', a, 'link', 'add', `to-${device}`, 'type', 'veth', 'peer', 'name', `of-${device}`, 'netns', b);
  for (const [namespace, name, addresses] of [
    [a, `to-${device}`, addressesA],
    [b, `of-${device}`, addressesB],
  ] as const) {
    for (const address of addresses)
      ip('-n', namespace, 'address', 'add', address, 'dev', name, ...(address.includes(':') ? ['nodad'] : []));
    ip('-n', namespace, 'link', 'set', name, 'up');
  }
};

/** What a `cloudbridge connect` prints with --json. */
export type Line = { readonly type: string } & Record<string, unknown>;

/** Until a condition holds. @throws when it does not in time */
export const until = async (what: string, condition: () => boolean, limitMs = 10_000): Promise<void> => {
  const end = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not in ${limitMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

/** A running program and what it says. */
export class Talking {
  readonly child: ChildProcess;
  text = '';

  constructor(child: ChildProcess) {
    this.child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.text += text;
      });
    }
  }

  said(pattern: RegExp, limitMs = 10_000): Promise<void> {
    return until(`${pattern} from a program`, () => pattern.test(this.text), limitMs);
  }
}

/** A running `cloudbridge connect`. */
export class ClientProcess {
  readonly child: ChildProcess;
  readonly lines: Line[] = [];
  errors = '';
  exitCode: number | null | undefined;

  constructor(child: ChildProcess) {
    this.child = child;
    let rest = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() as string;
      for (const part of parts) this.lines.push(JSON.parse(part) as Line);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
    child.on('exit', (code) => {
      this.exitCode = code;
    });
  }

  count(type: string): number {
    return this.lines.filter((line) => line.type === type).length;
  }

  last(type: string): Line | undefined {
    return this.lines.findLast((line) => line.type === type);
  }

  /** Until the nth line of a type. */
  async line(type: string, nth = 1, limitMs = 10_000): Promise<Line> {
    const found = () => this.lines.filter((line) => line.type === type)[nth - 1];
    await until(
      `${type} from the client: ${this.errors} ${JSON.stringify(this.lines.slice(-5))}`,
      () => found() !== undefined || this.exitCode !== undefined,
      limitMs,
    );
    const line = found();
    if (line === undefined) throw new Error(`the client ended with ${this.exitCode}: ${this.errors}`);
    return line;
  }

  /** @returns the exit code */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (this.exitCode === undefined) {
      this.child.kill(signal);
      await once(this.child, 'exit');
    }
    return this.exitCode ?? null;
  }
}

/**
 * A client, an edge and an internet host in namespaces of their own; the edge is `testing/edge-server.ts`. All of it ends
 * with the test.
 */
export const createWorld = async (t: TestContext) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-connect-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const [client, edge, host] = [testNamespace(t).name, testNamespace(t).name, testNamespace(t).name];
  join(client, edge, 'edge', ['10.9.0.2/24', '2001:db8:9::2/64'], ['10.9.0.1/24', '2001:db8:9::1/64']);
  join(edge, host, 'host', ['203.0.113.1/24', '2001:db8:f::1/64'], [`${HOST4}/24`, `${HOST6}/64`]);
  for (const address of [`${EDGE4}/32`, `${EDGE6}/128`]) ip('-n', edge, 'address', 'add', address, 'dev', 'lo');
  for (const namespace of [client, edge, host]) await run('ip', ['netns', 'exec', namespace, 'sh', '-c', NO_DAD]);
  await run('ip', [
    'netns',
    'exec',
    edge,
    'sh',
    '-c',
    'echo 1 > /proc/sys/net/ipv4/ip_forward; echo 1 > /proc/sys/net/ipv6/conf/all/forwarding',
  ]);
  ip('-n', client, '-4', 'route', 'add', 'default', 'via', '10.9.0.1');
  ip('-n', client, '-6', 'route', 'add', 'default', 'via', '2001:db8:9::1');
  // The host answers the tunnel only: what went around it gets nothing back.
  ip('-n', host, '-4', 'route', 'add', '100.64.0.0/16', 'via', '203.0.113.1');
  ip('-n', host, '-6', 'route', 'add', 'fd00:1::/48', 'via', '2001:db8:f::1');
  const authority = createAuthority();
  const identity = authority.issue('edge.test', [`IP:${EDGE4}`, `IP:${EDGE6}`, 'IP:127.0.0.1', 'DNS:edge.test']);
  const issuer = await createIssuer();
  const ca = path.join(folder, 'ca.pem');
  const tokenFile = path.join(folder, 'token');
  writeFileSync(ca, authority.pem);
  writeFileSync(tokenFile, await issuer.token(2), { mode: 0o600 });
  const children = new Set<ChildProcess>();
  t.after(() => {
    for (const child of children) child.kill('SIGKILL');
  });

  const startEdge = async (order: Partial<EdgeOrder> = {}): Promise<ChildProcess> => {
    const child = spawn('ip', ['netns', 'exec', edge, process.execPath, EDGE], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    children.add(child);
    child.send({ address: '::', port: 443, tun: 'edge0', jwks: issuer.jwks, ...identity, ...order });
    await once(child, 'message');
    return child;
  };

  const connect = (
    args: readonly string[],
    options: { readonly uid?: number; readonly env?: Readonly<Record<string, string>> } = {},
  ): ClientProcess => {
    const token = args.includes('--device') ? [] : ['--token-file', tokenFile];
    const common = ['connect', '--json', '--ca', ca, ...token];
    if (options.uid !== undefined) chownSync(tokenFile, options.uid, -1);
    const as =
      options.uid === undefined ? [] : ['setpriv', `--reuid=${options.uid}`, '--clear-groups', '--bounding-set=-all'];
    const command = [...as, process.execPath, MAIN, ...common, ...args];
    const child = spawn('ip', ['netns', 'exec', client, ...command], {
      env: { ...process.env, CBR_HOME: folder, ...options.env },
    });
    children.add(child);
    return new ClientProcess(child);
  };

  /** Runs a program in a namespace. @returns what it printed */
  const exec = async (namespace: string, command: string, ...args: string[]): Promise<string> =>
    (await run('ip', ['netns', 'exec', namespace, command, ...args], { maxBuffer: 1 << 26 })).stdout;

  /** Starts a Node program in a namespace. */
  const start = (namespace: string, file: string, ...args: string[]): Talking => {
    const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, file, ...args]);
    children.add(child);
    return new Talking(child);
  };

  /** As whoever keeps a token fresh does it: a reader sees the old one or the new one. */
  const setToken = async (token: string): Promise<void> => {
    await writeFile(`${tokenFile}.new`, token, { mode: 0o600 });
    await rename(`${tokenFile}.new`, tokenFile);
  };

  return {
    spawn: start,
    setToken,
    client,
    edge,
    host,
    folder,
    ca,
    tokenFile,
    issuer,
    authority,
    startEdge,
    connect,
    exec,
  };
};
