import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createAuthority } from '#host/tls/testing/certificates.ts';

const ADDRESS = '127.0.0.1';

/** A port that nobody had a moment ago. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, ADDRESS, () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/** A worker's file with or without a TUN, and the port of its metrics. */
const configured = async (t: TestContext, tun: boolean): Promise<{ file: string; admin: number }> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-worker-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, text: string): void => writeFileSync(path.join(folder, name), text, { mode: 0o600 });
  const { certificateChain, privateKey } = createAuthority().issue('edge.test', [`IP:${ADDRESS}`]);
  write('edge.pem', certificateChain);
  write('edge.key', privateKey as string);
  write('jwks.json', '{"keys":[]}');
  const admin = await freePort();
  write(
    'worker.toml',
    `pop = "test"
worker = "w1"
state_directory = "state"
[listen]
addresses = ["${ADDRESS}"]
port = ${await freePort()}
[tls]
certificate = "edge.pem"
key = "edge.key"
[tun]
enabled = ${tun}
name = "cbnone${process.pid % 1000}"
[admin]
listen = "${ADDRESS}:${admin}"
socket = "admin.sock"
[static]
issuer = "https://token.test"
jwks = "jwks.json"
tenants = [{ id = "red", prefixes = ["10.64.0.0/10", "fd00:1::/48"] }]
`,
  );
  return { file: path.join(folder, 'worker.toml'), admin };
};

/** Starts a worker that has no capability at all, whoever runs the test. @returns it, and how it got on */
const start = async (t: TestContext, file: string): Promise<{ child: ChildProcess; end: Promise<string> }> => {
  const command = [process.execPath, fileURLToPath(new URL('../cli/main.ts', import.meta.url)), 'worker', 'run'];
  const bare = process.getuid?.() === 0 ? ['--bounding-set', '-all', '--inh-caps', '-all'] : [];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...bare, '--', ...command, '--config', file], {
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  t.after(() => child.kill('SIGKILL'));
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const end = new Promise<string>((resolve) => child.once('exit', (code) => resolve(`${code}\n${log}`)));
  return { child, end };
};

test('a worker without a TUN serves without any privilege, and stops cleanly', async (t) => {
  const { file, admin } = await configured(t, false);
  const { child, end } = await start(t, file);
  const early = end.then((text) => assert.fail(`it ended: ${text}`));
  await Promise.race([new Promise((resolve) => child.once('message', resolve)), early]);
  early.catch(() => {});
  assert.equal((await fetch(`http://${ADDRESS}:${admin}/readyz`)).status, 200);
  const metrics = await (await fetch(`http://${ADDRESS}:${admin}/metrics`)).text();
  assert.match(metrics, /^cloudbridge_tenants_count 1$/m);
  assert.match(metrics, /^cloudbridge_proxy_refused_tunnels_total\{reason="no_tun"\} 0$/m);
  assert.match(metrics, /^cloudbridge_host_fallbacks_count\{feature="vnet_hdr"\} 0$/m);
  child.kill('SIGTERM');
  assert.match(await end, /^0\n.*there is no TUN: CONNECT-IP is refused/s);
});

test('the same worker with a TUN says what it lacks', async (t) => {
  const { file } = await configured(t, true);
  const { end } = await start(t, file);
  assert.match(await end, /^1\n.*(may not be made: run as root or with CAP_NET_ADMIN|forward)/s);
});
