import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { createAuthority } from '#host/tls/testing/certificates.ts';
import { deviceOf, INTERNET4, needsNamespaces, World } from './testing/world.ts';

const NOTHING = { links: [], tables: [], routes: [] };

const made = async (t: TestContext, more: Parameters<World['configure']>[0] = {}): Promise<World> => {
  const world = new World(t);
  await world.network();
  await world.configure(more);
  return world;
};

test('a graceful stop tells devices to go and leaves nothing', { skip: needsNamespaces }, async (t) => {
  const world = await made(t);
  world.run(world.workerNamespace, 'nft', 'add table inet others');
  await world.startWorker();
  const device = await world.connect(deviceOf('red', 2));
  await device.reports.of('up');
  assert.equal(world.leftovers().tables.length, 2);
  assert.equal(world.leftovers().routes.length, 4, 'carriers, the IPv6 networks of two tenants, and that of probes');
  assert.equal(await world.endWorker('SIGTERM'), 0);
  await device.reports.of('goaway');
  await device.reports.of('closed');
  assert.deepEqual(world.leftovers(), { ...NOTHING, tables: ['table inet others'] });
  assert.equal(statSync(world.socket, { throwIfNoEntry: false }), undefined);
  assert.equal(world.run(world.workerNamespace, 'ss', '-Hlnu').trim(), '');
});

test('what a killed worker left does not keep the next from serving', { skip: needsNamespaces }, async (t) => {
  const world = await made(t);
  await world.startWorker();
  assert.equal(await world.endWorker('SIGKILL'), 'SIGKILL');
  assert.equal(world.leftovers().tables.length, 1);
  assert.ok(statSync(world.socket));
  await world.startWorker();
  const device = await world.connect(deviceOf('blue', 2));
  await device.reports.of('up');
  const text = world.run(device.namespace, 'ping', '-c', '1', '-W', '2', INTERNET4);
  assert.match(text, / 1 received/);
  assert.equal(await world.endWorker('SIGTERM'), 0);
  assert.deepEqual(world.leftovers(), NOTHING);
});

test('a worker that was killed ends what it had by stateless resets when it is back (RFC 9000 §10.3)', {
  skip: needsNamespaces,
}, async (t) => {
  const world = await made(t);
  await world.startWorker();
  const device = await world.connect(deviceOf('red', 2));
  await device.reports.of('up');
  assert.equal(await world.endWorker('SIGKILL'), 'SIGKILL');
  await world.startWorker();
  // Whatever the device sends next is answered.
  world.run(device.namespace, 'sh', '-c', `ping -c 1 -W 1 ${INTERNET4} || true`);
  const { by } = await device.reports.of('closed');
  assert.equal(by, 'reset');
  assert.ok((await world.metric('cloudbridge_quic_replies_total{kind="stateless_reset"}')) >= 1);
});

test('a worker whose data plane breaks ends with 1 and cleans up', { skip: needsNamespaces }, async (t) => {
  const world = await made(t);
  const child = await world.startWorker();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  world.run(world.workerNamespace, 'ip', 'link', 'delete', 'cbtun');
  assert.equal(await ended, 1);
  assert.match(world.log.join(''), /the TUN cbtun was removed by someone else/);
  assert.deepEqual(world.leftovers(), NOTHING);
});

test('a worker that waits for its control plane ends when it is told to', { skip: needsNamespaces }, async (t) => {
  const world = await made(t);
  world.control({ servers: ['nats://127.0.0.1:4222'], revisionKeys: {} });
  const started = world.startWorker();
  started.catch(() => {});
  await world.until('the admin listener is there', async () => {
    const answer = await world.admin('/readyz').catch(() => undefined);
    return answer?.status === 503;
  });
  assert.equal(await world.endWorker('SIGTERM'), 0);
  assert.deepEqual(world.leftovers(), NOTHING);
});

test('it is drained, filled again and withdrawn by command', { skip: needsNamespaces }, async (t) => {
  const world = await made(t);
  await world.startWorker();
  assert.equal(statSync(world.socket).mode & 0o777, 0o600);
  assert.deepEqual(await world.admin('/healthz'), { status: 200, text: 'ok\n' });
  assert.deepEqual(await world.admin('/readyz'), { status: 200, text: 'ready\n' });
  assert.equal((await world.admin('/else')).status, 404);
  const device = await world.connect(deviceOf('red', 2));
  await device.reports.of('up');
  const status = JSON.parse(await world.command('status', '--json'));
  const { upSeconds, version, ...rest } = status;
  assert.ok(upSeconds >= 0);
  assert.match(version, /^\d+\.\d+\.\d+/);
  assert.deepEqual(rest, {
    pop: 'test',
    worker: 'w1',
    state: 'ready',
    orders: { controlPlane: 'serve', local: 'serve' },
    healthy: true,
    sessions: 1,
    connections: 1,
    tenants: 2,
  });
  assert.match(await world.command('drain'), /The worker is draining/);
  await device.reports.of('goaway');
  assert.deepEqual(await world.admin('/readyz'), { status: 503, text: 'draining\n' });
  const late = await world.connect(deviceOf('red', 3));
  await late.reports.of('closed');
  await world.command('withdraw');
  const served = await world.connect(deviceOf('blue', 4));
  await served.reports.of('up');
  await world.command('undrain');
  const welcome = await world.connect(deviceOf('red', 3));
  await welcome.reports.of('up');
  await world.command('withdraw');
  assert.deepEqual(await world.admin('/readyz'), { status: 503, text: 'withdrawn\n' });
  assert.equal(await world.metric('cloudbridge_worker_state_count{state="withdrawn"}'), 1);
});

test('a certificate that was renewed is taken by SIGHUP; a wrong one changes nothing', {
  skip: needsNamespaces,
}, async (t) => {
  const world = await made(t);
  await world.startWorker();
  const before = await world.connect(deviceOf('red', 2));
  await before.reports.of('up');
  const readAgain = async (message: string): Promise<string> => {
    world.log.length = 0;
    world.worker?.kill('SIGHUP');
    await world.until(message, () => world.log.join('').includes(message));
    return world.log.join('');
  };
  world.authority = createAuthority();
  const early = await world.connect(deviceOf('red', 3));
  await early.reports.of('closed');
  await world.configure();
  assert.match(await readAgain('read again'), /"files":\["certificate and key","keys of tokens","revocations"\]/);
  const { namespace, reports } = await world.connect(deviceOf('blue', 2));
  await reports.of('up');
  writeFileSync(path.join(world.folder, 'edge.pem'), 'no certificate');
  assert.match(await readAgain('not read again'), /what was in force stays.*edge\.pem is not PEM/);
  await (await world.connect(deviceOf('blue', 3))).reports.of('up');
  for (const inside of [namespace, before.namespace]) {
    assert.match(world.run(inside, 'ping', '-c', '1', '-W', '2', INTERNET4), / 1 received/);
  }
});

test('counters of the kernel that cannot be read are told once', { skip: needsNamespaces }, async (t) => {
  const world = await made(t);
  await world.startWorker();
  const told = () => world.log.join('').match(/the counters of nftables cannot be read/g)?.length ?? 0;
  assert.equal(await world.metric('cloudbridge_nat_connections_total'), 0);
  assert.equal(told(), 0);
  // The worker puts it back soon.
  const remove = `nft delete table inet ${world.table} 2>/dev/null || true`;
  await world.until('the log to say so', async () => {
    world.run(world.workerNamespace, 'sh', '-c', remove);
    for (let i = 0; i < 2; i++) assert.equal(await world.metric('cloudbridge_nat_connections_total'), 0);
    return told() > 0;
  });
  assert.equal(told(), 1);
  await world.until('the table is back', () => world.leftovers().tables.length === 1);
});

test('whatever keeps it from starting is said in one sentence', { skip: needsNamespaces }, async (t) => {
  const world = await made(t);
  const refused = async (): Promise<string> => {
    world.log.length = 0;
    await assert.rejects(world.startWorker());
    const lines = world.log.join('').trim().split('\n');
    const errors = lines.map((line) => JSON.parse(line) as { level: string; message: string });
    const { message = '' } = errors.find(({ level }) => level === 'error') ?? {};
    assert.ok(!message.includes('\n'), message);
    assert.deepEqual(world.leftovers(), NOTHING);
    return message;
  };
  const at = (name: string): string => path.join(world.folder, name);
  const { privateKey } = world.authority.issue('other.test');
  writeFileSync(at('edge.key'), privateKey as string);
  assert.match(await refused(), /the key .*edge\.key is not that of the certificate .*edge\.pem/);
  chmodSync(at('edge.key'), 0o644);
  assert.match(await refused(), /edge\.key may be read or changed by others \(mode 644\): chmod 600/);

  chmodSync(at('edge.key'), 0o600);
  await world.configure();
  writeFileSync(at('jwks.json'), '[]');
  assert.match(await refused(), /jwks\.json must hold a JWK set/);

  await world.configure();
  const blocker = `require("dgram").createSocket("udp4").bind(443,"192.0.2.1",()=>console.log("up"))`;
  const other = spawn('ip', ['netns', 'exec', world.workerNamespace, process.execPath, '-e', blocker]);
  t.after(() => other.kill('SIGKILL'));
  await new Promise((resolve) => other.stdout.once('data', resolve));
  assert.match(await refused(), /192\.0\.2\.1:443\/udp is in use by another process/);
  other.kill('SIGKILL');
  await new Promise((resolve) => other.once('exit', resolve));

  world.run(world.workerNamespace, 'ip', 'address', 'delete', '192.0.2.1/32', 'dev', 'lo');
  assert.match(await refused(), /192\.0\.2\.1:443: this machine does not have that address/);
});
