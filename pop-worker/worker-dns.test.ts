import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { readResponse } from '#protocol/dns/testing/message.ts';
import { askWorker } from './admin/client.ts';
import { askByUdp, queryFor } from './dns/testing/ask.ts';
import type { WorkerStatus } from './worker-status.ts';

const ADDRESS = '127.0.0.1';
const MAIN = fileURLToPath(new URL('../cli/main.ts', import.meta.url));

const NAMES = {
  pops: [
    { id: 'frankfurt', latitude: 50.11, longitude: 8.68, addresses: ['198.51.100.2'] },
    { id: 'moscow', latitude: 55.75, longitude: 37.62, addresses: ['198.51.100.1'] },
    { id: 'kazan', latitude: 55.8, longitude: 49.1, addresses: ['198.51.100.4'] },
  ],
  zones: [{ id: 'edge', domain: 'edge.example', nameServers: ['ns.example'], services: ['www.edge.example'] }],
};

/** A port that nobody had a moment ago. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, ADDRESS, () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

interface Running {
  readonly folder: string;
  readonly admin: number;
  readonly dns: number;
  readonly reload: () => void;
  readonly stop: () => Promise<number | null>;
}

/** A worker in moscow, without a TUN, whose names come from a file. */
const started = async (t: TestContext): Promise<Running> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-worker-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, text: string): void => writeFileSync(path.join(folder, name), text, { mode: 0o600 });
  const { certificateChain, privateKey } = createAuthority().issue('edge.test', [`IP:${ADDRESS}`]);
  write('edge.pem', certificateChain);
  write('edge.key', privateKey as string);
  write('jwks.json', '{"keys":[]}');
  write('secret', 'ab'.repeat(16));
  write('dns.json', JSON.stringify(NAMES));
  const [admin, dns] = [await freePort(), await freePort()];
  write(
    'worker.toml',
    `pop = "moscow"
worker = "w1"
state_directory = "state"
drain_seconds = 0
[listen]
addresses = ["${ADDRESS}"]
port = ${await freePort()}
[tls]
certificate = "edge.pem"
key = "edge.key"
[tun]
enabled = false
[admin]
listen = "${ADDRESS}:${admin}"
socket = "admin.sock"
[dns]
listen = ["${ADDRESS}:${dns}"]
cookie_secret = "secret"
[static]
issuer = "https://token.test"
jwks = "jwks.json"
dns = "dns.json"
tenants = [{ id = "red", prefixes = ["10.64.0.0/10", "fd00:1::/48"] }]
`,
  );
  const child = spawn(process.execPath, [MAIN, 'worker', 'run', '--config', path.join(folder, 'worker.toml')], {
    stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
  });
  t.after(() => child.kill('SIGKILL'));
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const early = ended.then((code) => assert.fail(`it ended: ${code}\n${log}`));
  await Promise.race([new Promise((resolve) => child.once('message', resolve)), early]);
  early.catch(() => {});
  const stop = (): Promise<number | null> => {
    child.kill('SIGTERM');
    return ended;
  };
  return { folder, admin, dns, reload: () => void child.kill('SIGHUP'), stop };
};

const until = async (what: string, holds: () => Promise<boolean>): Promise<void> => {
  for (const end = Date.now() + 20_000; !(await holds()); ) {
    assert.ok(Date.now() < end, `${what} did not come`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
};

test('a worker answers for its zones with its own PoP while it serves, else with the next one', async (t) => {
  const { folder, admin, dns, reload, stop } = await started(t);
  const socket = path.join(folder, 'admin.sock');
  const leads = async (): Promise<string | undefined> => {
    const response = await askByUdp(queryFor('www.edge.example'), dns);
    return response && readResponse(response).answer[0]?.split(' ').at(-1);
  };
  assert.equal(await leads(), '198.51.100.1');
  await askWorker(socket, 'drain');
  await until('the next one', async () => (await leads()) === '198.51.100.4');
  const { dns: status } = (await askWorker(socket, 'status')) as WorkerStatus;
  assert.deepEqual(status, {
    zones: ['edge.example'],
    pops: [
      { id: 'frankfurt', isWell: true },
      { id: 'moscow', isWell: false },
      { id: 'kazan', isWell: true },
    ],
  });
  await askWorker(socket, 'undrain');
  await until('its own again', async () => (await leads()) === '198.51.100.1');
  const metrics = await (await fetch(`http://${ADDRESS}:${admin}/metrics`)).text();
  assert.match(metrics, /^cloudbridge_dns_zones_count 1$/m);
  assert.match(metrics, /^cloudbridge_dns_judged_queries_total\{outcome="answered"\} [1-9]/m);
  writeFileSync(path.join(folder, 'dns.json'), JSON.stringify({ ...NAMES, zones: [] }));
  reload();
  await until('no zone', async () => {
    const response = await askByUdp(queryFor('www.edge.example'), dns);
    return response !== undefined && readResponse(response).rcode === 'refused';
  });
  assert.equal(await stop(), 0);
});
