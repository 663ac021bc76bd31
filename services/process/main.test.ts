import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { stringify } from 'smol-toml';
import { generateRevisionKey } from '#services/config/revision-key.ts';
import { eventually } from '#services/config/testing/client.ts';
import { ensureInstallationKey } from '#services/store/installation-key.ts';
import { startNatsServer } from '#services/store/testing/nats-server.ts';

/** As the services have it. */
const GRACE_MS = 5000;
/** As `nats.ts` has them. */
const CONNECT_TRIES = 4;
const CONNECT_MS = 5000;
const SLACK_MS = 1000;
/** Also on a machine that has other things to do. */
const START_MS = 20_000;

const root = join(import.meta.dirname, '../..');

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

interface Process {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  log(): string;
}

/** Starts a service as an operator does. */
const serve = (t: TestContext, service: string, file: string): Process => {
  const args = [join(root, 'cli/main.ts'), 'serve', service, '--config', file];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let log = '';
  child.stderr?.on('data', (chunk) => (log += String(chunk)));
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  t.after(() => void child.kill('SIGKILL'));
  return { child, ended, log: () => log };
};

const isReady = async ({ child, ended, log }: Process): Promise<void> => {
  await Promise.race([once(child, 'message'), ended.then(() => assert.fail(`it ended: ${log()}`))]);
};

const ask = async (port: number, path: string): Promise<[number, string]> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: 'close' } });
  return [response.status, await response.text()];
};

const prepare = async (t: TestContext) => {
  const folder = await mkdtemp(join(tmpdir(), 'cloudbridge-main-'));
  const server = await startNatsServer();
  t.after(async () => {
    await server.close();
    await rm(folder, { recursive: true, force: true });
  });
  const ports = { listen: await freePort(), admin: await freePort() };
  const at = { listen: `127.0.0.1:${ports.listen}`, admin: `127.0.0.1:${ports.admin}` };
  const issuer = 'http://127.0.0.1:1';
  await ensureInstallationKey(join(folder, 'installation.key'));
  await writeFile(join(folder, 'revision.json'), JSON.stringify(await generateRevisionKey()), { mode: 0o600 });
  const file = join(folder, 'services.toml');
  const sections = {
    nats: { servers: [server.url] },
    installation_key: 'installation.key',
    identity: { issuer },
    auth: at,
    token: { ...at, issuer },
    config: { ...at, revision_key: 'revision.json' },
  };
  await writeFile(file, stringify(sections));
  return { file, server, ports };
};

for (const service of ['auth', 'token', 'config']) {
  test(`${service}: ready, not ready without NATS but healthy, and SIGTERM ends it with 0`, async (t) => {
    const { file, server, ports } = await prepare(t);
    const process = serve(t, service, file);
    await isReady(process);
    assert.deepEqual(await ask(ports.admin, '/readyz'), [200, 'ready\n']);
    assert.equal((await ask(ports.admin, '/v1/tenants'))[0], 404);
    await server.kill();
    assert.deepEqual(await ask(ports.admin, '/readyz'), [503, 'NATS cannot be reached\n']);
    assert.deepEqual(await ask(ports.admin, '/healthz'), [200, 'ok\n']);
    await server.start();
    await eventually(async () => (await ask(ports.admin, '/readyz'))[0] === 200 || undefined, 'it is ready again');
    process.child.kill('SIGTERM');
    assert.equal(await process.ended, 0);
    await assert.rejects(ask(ports.listen, '/'));
  });
}

test('a configuration that is wrong ends it with 1, and names the place', async (t) => {
  const { file } = await prepare(t);
  await writeFile(file, 'installation_key = 3\n');
  const process = serve(t, 'config', file);
  assert.equal(await process.ended, 1);
  assert.match(process.log(), /installation_key/);
});

/** A request for a token whose body has begun and has not ended. */
const begin = async (port: number, path = '/v1/token'): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded\r\n`);
  // The service asks for the body once it has the request.
  socket.write('expect: 100-continue\r\ncontent-length: 4\r\n\r\n');
  const [first] = await once(socket, 'data');
  assert.match(String(first), /^HTTP\/1\.1 100 /);
  return socket;
};

test('SIGTERM: a request that has begun is answered, new ones are refused, /readyz says why, and it ends with 0', async (t) => {
  const { file, ports } = await prepare(t);
  const process = serve(t, 'token', file);
  await isReady(process);
  const socket = await begin(ports.listen);
  process.child.kill('SIGTERM');
  await eventually(async () => (await ask(ports.admin, '/readyz'))[0] === 503 || undefined, 'it is not ready');
  assert.deepEqual(await ask(ports.admin, '/readyz'), [503, 'the service is stopping\n']);
  assert.deepEqual(await ask(ports.admin, '/healthz'), [200, 'ok\n']);
  await assert.rejects(ask(ports.listen, '/'));
  const answer = once(socket, 'data');
  socket.write('a=bc');
  assert.match(String((await answer)[0]), /^HTTP\/1\.1 400 /);
  assert.equal(await process.ended, 0);
});

test('a second signal ends it at once, with 1', async (t) => {
  const { file, ports } = await prepare(t);
  const process = serve(t, 'token', file);
  await isReady(process);
  const socket = await begin(ports.listen);
  socket.on('error', () => {});
  process.child.kill('SIGTERM');
  await eventually(async () => (await ask(ports.admin, '/readyz'))[0] === 503 || undefined, 'it is stopping');
  process.child.kill('SIGTERM');
  assert.equal(await process.ended, 1);
});

for (const [service, path] of [
  ['auth', '/oauth/v2/token'],
  ['token', '/v1/token'],
] as const) {
  test(`${service}: a request that never ends is cut after the grace period of SIGTERM, and it ends with 0`, async (t) => {
    const { file, ports } = await prepare(t);
    const process = serve(t, service, file);
    await isReady(process);
    const socket = await begin(ports.listen, path);
    const cut = once(socket, 'close');
    const began = performance.now();
    process.child.kill('SIGTERM');
    assert.equal(await process.ended, 0, process.log());
    const took = performance.now() - began;
    assert.ok(took > GRACE_MS - SLACK_MS && took < 2 * GRACE_MS, `${took} ms`);
    await cut;
  });
}

for (const service of ['auth', 'token', 'config']) {
  test(`${service}: SIGHUP ends nothing`, async (t) => {
    const { file, ports } = await prepare(t);
    const process = serve(t, service, file);
    await isReady(process);
    process.child.kill('SIGHUP');
    await eventually(async () => /SIGHUP changes nothing/.test(process.log()) || undefined, 'it says so');
    assert.deepEqual(await ask(ports.admin, '/readyz'), [200, 'ready\n']);
    process.child.kill('SIGTERM');
    assert.equal(await process.ended, 0);
  });
}

test('NATS away, or silent, at the start: one sentence and 1, soon', async (t) => {
  const silent = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => void silent.close());
  const { file, server } = await prepare(t);
  const text = await readFile(file, 'utf8');
  for (const [port, withinMs] of [
    [await freePort(), START_MS],
    [(silent.address() as AddressInfo).port, CONNECT_TRIES * CONNECT_MS + START_MS],
  ] as const) {
    const at = `nats://127.0.0.1:${port}`;
    await writeFile(file, text.replace(server.url, at));
    const start = async (service: string): Promise<void> => {
      const began = performance.now();
      const process = serve(t, service, file);
      assert.equal(await process.ended, 1);
      assert.ok(performance.now() - began < withinMs, `${service}: ${performance.now() - began} ms`);
      const lines = process.log().trim().split('\n');
      const { level, message, error } = JSON.parse(lines[0] ?? '') as Record<string, unknown>;
      assert.deepEqual([lines.length, level, error], [1, 'error', undefined], process.log());
      assert.ok(String(message).startsWith(`NATS at ${at} cannot be reached (`), String(message));
    };
    await Promise.all(['auth', 'token', 'config'].map(start));
  }
});

for (const service of ['token', 'config']) {
  for (const which of ['listen', 'admin'] as const) {
    test(`${service}: a port in use (${which}) ends it with 1`, async (t) => {
      const { file, ports } = await prepare(t);
      const other = createServer().listen(ports[which], '127.0.0.1');
      await once(other, 'listening');
      t.after(() => void other.close());
      const process = serve(t, service, file);
      assert.equal(await process.ended, 1);
      assert.match(process.log(), new RegExp(String(ports[which])));
    });
  }
}
