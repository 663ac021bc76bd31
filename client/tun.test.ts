import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';
import { needsRoot } from '#host/testing/namespace.ts';
import { type ClientProcess, createWorld, EDGE4, EDGE6, HOST4, HOST6, until } from './testing/world.ts';

type World = Awaited<ReturnType<typeof createWorld>>;

const PEER = path.join(import.meta.dirname, 'testing/tcp-peer.ts');
const BYTES = 20_000_000;

const everything = ['--tun', 'cb0', '--default-route'];

const pings = async (world: World, address: string, ...more: string[]): Promise<void> => {
  const text = await world.exec(world.client, 'ping', '-c', '3', '-i', '0.05', '-W', '5', ...more, address);
  assert.match(text, / 3 received/, address);
};

/** What `ip` shows of rules and routes of the client, which must be the same before and after. */
const netState = async (world: World): Promise<string> => {
  const parts = [];
  for (const args of [
    ['link'],
    ['-4', 'rule'],
    ['-6', 'rule'],
    ['-4', 'route', 'show', 'table', 'all'],
    ['-6', 'route', 'show', 'table', 'all'],
  ]) {
    parts.push(await world.exec(world.client, 'ip', '-o', ...args));
  }
  // Link-local addresses come by themselves, when detection of duplicates is done.
  return parts.join('').replaceAll(/^.*fe80:.*\n/gm, '');
};

const endsClean = async (
  client: ClientProcess,
  world: World,
  before: string,
  signal: NodeJS.Signals,
): Promise<void> => {
  assert.equal(await client.end(signal), 0);
  assert.equal(await netState(world), before);
};

test('packets of both families go through the tunnel, and nothing is left behind', { skip: needsRoot }, async (t) => {
  const world = await createWorld(t);
  await world.startEdge();
  const before = await netState(world);
  for (const server of [EDGE4, `[${EDGE6}]`]) {
    const client = world.connect(['--server', `https://${server}`, ...everything]);
    const tunnel = await client.line('tunnel');
    assert.deepEqual(tunnel['addresses'], ['10.64.0.2/32', 'fd00:1::2/128']);
    for (const address of [HOST4, HOST6]) {
      await pings(world, address);
      // Larger than the path: fragments. The first answer may be lost while the host learns what the tunnel takes.
      const large = await world.exec(world.client, 'ping', '-c', '5', '-i', '0.05', '-W', '5', '-s', '3000', address);
      assert.match(large, / [45] received/, address);
    }
    await endsClean(client, world, before, 'SIGINT');
    const { packetsUp, packetsDown, dropped } = client.last('ended') as Record<string, unknown>;
    assert.ok(Number(packetsUp) >= 12 && Number(packetsDown) >= 12);
    assert.equal(dropped, 0);
    // Nothing of our own went into our own tunnel: what is inside is far less than a loop would make.
    assert.ok(Number(packetsUp) < 200, `${packetsUp}`);
  }
});

test('--route sends what it names, and the default route stays', { skip: needsRoot }, async (t) => {
  const world = await createWorld(t);
  await world.startEdge();
  const before = await netState(world);
  const client = world.connect([
    '--server',
    `https://${EDGE4}`,
    '--tun',
    'cb1',
    '--route',
    `${HOST4}/32`,
    '--route',
    `${HOST6}/128`,
  ]);
  await client.line('tunnel');
  await pings(world, HOST4);
  await pings(world, HOST6);
  const main = await world.exec(world.client, 'ip', 'route', 'show', 'default');
  assert.match(main, /via 10\.9\.0\.1/);
  await endsClean(client, world, before, 'SIGTERM');
});

test('strict reverse-path filters let the answers of the edge in', { skip: needsRoot }, async (t) => {
  const world = await createWorld(t);
  await world.exec(world.client, 'sh', '-c', 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 1 > $f; done');
  await world.startEdge();
  const before = await netState(world);
  const client = world.connect(['--server', `https://${EDGE4}`, ...everything]);
  await client.line('tunnel');
  await pings(world, HOST4);
  // Keep-alives are answered too: it stays up.
  await pings(world, HOST4, '-i', '1.5');
  assert.equal(client.count('disconnected'), 0);
  await endsClean(client, world, before, 'SIGTERM');
});

test('TCP carries 20 MB each way unchanged', { skip: needsRoot }, async (t) => {
  const world = await createWorld(t);
  await world.startEdge();
  const client = world.connect(['--server', `https://${EDGE4}`, ...everything]);
  await client.line('tunnel');
  for (const host of [HOST4, HOST6]) {
    const server = world.spawn(world.host, PEER, 'server', host, '5000', String(BYTES));
    await server.said(/listening/);
    const report = JSON.parse(
      await world.exec(world.client, process.execPath, PEER, 'client', host, '5000', String(BYTES)),
    );
    const expected = createHash('sha256').update(Buffer.alloc(BYTES, 'cloudbridge')).digest('hex');
    assert.deepEqual(report, { up: expected, down: expected });
    server.child.kill();
  }
  await client.end();
});

test('a path that takes 1280 bytes only: small datagrams, and TCP all the same', { skip: needsRoot }, async (t) => {
  const world = await createWorld(t);
  for (const [namespace, device] of [
    [world.client, 'to-edge'],
    [world.edge, 'of-edge'],
  ] as const) {
    await world.exec(namespace, 'ip', 'link', 'set', device, 'mtu', '1280');
  }
  await world.startEdge();
  const client = world.connect(['--server', `https://${EDGE4}`, ...everything]);
  const { mtu } = await client.line('tunnel', 1, 20_000);
  assert.ok(Number(mtu) <= 1280);
  for (const host of [HOST4, HOST6]) {
    const server = world.spawn(world.host, PEER, 'server', host, '5000', '1000000');
    await server.said(/listening/);
    const text = await world.exec(world.client, process.execPath, PEER, 'client', host, '5000', '1000000');
    const expected = createHash('sha256').update(Buffer.alloc(1_000_000, 'cloudbridge')).digest('hex');
    assert.deepEqual(JSON.parse(text), { up: expected, down: expected });
    server.child.kill();
  }
  await client.end();
});

test('a killed edge comes back: same addresses, the TCP connection inside goes on', { skip: needsRoot }, async (t) => {
  const world = await createWorld(t);
  const edge = await world.startEdge();
  const client = world.connect(['--server', `https://${EDGE4}`, ...everything]);
  await client.line('tunnel');
  const server = world.spawn(world.host, PEER, 'echo', HOST4, '5001');
  await server.said(/listening/);
  const talker = world.spawn(world.client, PEER, 'talk', HOST4, '5001');
  await talker.said(/heard 3\n/);
  edge.kill('SIGKILL');
  await client.line('disconnected', 1, 8000);
  await world.startEdge();
  await client.line('tunnel', 2, 15_000);
  const [first, second] = client.lines.filter(({ type }) => type === 'tunnel');
  assert.deepEqual(first?.['addresses'], second?.['addresses']);
  const heard = talker.text.trim().split('\n').length;
  await talker.said(new RegExp(`heard ${heard + 5}\n`), 15_000);
  assert.equal(client.count('connected'), 2);
  assert.equal(talker.text.includes('again'), false);
  await client.end();
});

test('what a killed client left is taken back by the next one', { skip: needsRoot }, async (t) => {
  const world = await createWorld(t);
  await world.startEdge();
  const before = await netState(world);
  const killed = world.connect(['--server', `https://${EDGE4}`, ...everything]);
  await killed.line('tunnel');
  await killed.end('SIGKILL');
  await until('the TUN to go', () => true);
  assert.notEqual(await netState(world), before);
  const next = world.connect(['--server', `https://${EDGE4}`, ...everything]);
  await next.line('tunnel');
  await pings(world, HOST4);
  const second = world.connect(['--server', `https://${EDGE4}`, '--tun', 'cb9', '--default-route']);
  await until('the second to be refused', () => second.exitCode !== undefined);
  assert.match(second.errors, /has the tunnel cb0 already/);
  await endsClean(next, world, before, 'SIGTERM');
});

test('a token is renewed before it runs out, without an interruption', { skip: needsRoot }, async (t) => {
  const world = await createWorld(t);
  await world.startEdge();
  await world.setToken(await world.issuer.token(2, 20));
  const client = world.connect(['--server', `https://${EDGE4}`, ...everything]);
  await client.line('tunnel');
  await world.setToken(await world.issuer.token(2, 600));
  await client.line('token-renewed', 1, 30_000);
  await pings(world, HOST4);
  assert.equal(client.count('disconnected'), 0);
  await client.end();
});

test('a device that is not let in ends with a sentence', { skip: needsRoot }, async (t) => {
  const world = await createWorld(t);
  await world.startEdge({ jwks: JSON.stringify({ keys: [] }) });
  const client = world.connect(['--server', `https://${EDGE4}`, ...everything]);
  await until('the end', () => client.exitCode !== undefined, 15_000);
  assert.match(
    client.errors,
    /^cloudbridge: The edge refuses the token: the token is signed by a key that is not known here\.\n$/,
  );
  assert.equal(client.exitCode, 1);
});
