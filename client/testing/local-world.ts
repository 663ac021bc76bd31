import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { createIssuer, type EdgeOrder } from './edge-server.ts';
import { ClientProcess } from './world.ts';

const run = promisify(execFile);
const ROOT = path.resolve(import.meta.dirname, '../..');

/** An edge on loopback, which needs no privileges: proxies only. @param order what it is told besides */
export const createLocalWorld = async (t: TestContext, order: Partial<EdgeOrder> = {}) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-proxies-'));
  chmodSync(folder, 0o755);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, content: string | Uint8Array, mode = 0o644): string => {
    const file = path.join(folder, name);
    writeFileSync(file, content, { mode });
    return file;
  };
  const authority = createAuthority();
  const identity = authority.issue('edge.test', ['IP:127.0.0.1']);
  const issuer = await createIssuer();
  const ca = write('ca.pem', authority.pem);
  const tokenFile = write('token', await issuer.token(2), 0o600);
  const children = new Set<ChildProcess>();
  t.after(() => {
    for (const child of children) child.kill('SIGKILL');
  });
  const edge = spawn(process.execPath, [path.join(ROOT, 'client/testing/edge-server.ts')], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  children.add(edge);
  edge.send({ address: '127.0.0.1', port: 0, jwks: issuer.jwks, allowLoopback: true, ...identity, ...order });
  const [{ port }] = (await once(edge, 'message')) as [{ port: number }];

  const connect = (
    args: readonly string[],
    options: { readonly uid?: number; readonly env?: Readonly<Record<string, string>> } = {},
  ): ClientProcess => {
    const has = (option: string): boolean => args.includes(option);
    const common = ['--json', '--server', `https://127.0.0.1:${port}`, ...(has('--ca') ? [] : ['--ca', ca])];
    const token = has('--token-file') || has('--device') ? [] : ['--token-file', tokenFile];
    if (options.uid !== undefined) chownSync(tokenFile, options.uid, -1);
    const as =
      options.uid === undefined ? [] : ['setpriv', `--reuid=${options.uid}`, '--clear-groups', '--bounding-set=-all'];
    const [command = '', ...rest] = [
      ...as,
      process.execPath,
      path.join(ROOT, 'cli/main.ts'),
      'connect',
      ...common,
      ...token,
      ...args,
    ];
    const child = spawn(command, rest, { env: { ...process.env, CBR_HOME: folder, ...options.env } });
    children.add(child);
    return new ClientProcess(child);
  };

  const curl = async (args: readonly string[]): Promise<Buffer> =>
    (await run('curl', ['-sS', '--max-time', '20', ...args], { maxBuffer: 1 << 26, encoding: 'buffer' })).stdout;

  return { folder, write, issuer, port, otherAuthority: createAuthority('another'), connect, curl };
};
