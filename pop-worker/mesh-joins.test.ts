import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { startHub } from './testing/control-plane.ts';
import { ISSUER } from './testing/issuer.ts';
import { answered, connected, MeshWorlds } from './testing/mesh-worlds.ts';
import { deviceOf, needsNamespaces } from './testing/world.ts';

/** Where the others reach NATS, which is in the namespace of the first worker. */
const NATS_PORT = 4222;

/** Workers whose files name neither themselves by a number nor any other worker, and their control plane. */
const made = async (t: TestContext, count: number) => {
  const mesh = new MeshWorlds(t, count);
  await mesh.networks();
  const first = mesh.world(1);
  for (const member of mesh.members) {
    const world = mesh.world(member);
    const files = mesh.certify(member, `w${member}.test.mesh`);
    const listen = `listen = { address = "${mesh.address(member)}" }`;
    await world.configure({ top: `[mesh]\n${listen}\n${files}[handoff]\n` });
    const text = readFileSync(world.configFile, 'utf8');
    writeFileSync(world.configFile, text.replace('worker = "w1"', `worker = "w${member}"`));
  }
  const { send, servers, revisionKeys } = await startHub(t, first);
  const { port } = new URL(servers[0] as string);
  const to = `tcp dport ${NATS_PORT} dnat to 127.0.0.1:${port}`;
  const chain = `chain in { type nat hook prerouting priority -100; ${to}; };`;
  first.run(first.workerNamespace, 'sysctl', '-qw', 'net.ipv4.conf.mesh0.route_localnet=1');
  first.run(first.workerNamespace, 'nft', `table ip nats { ${chain} }`);
  for (const member of mesh.members) {
    const url = member === 1 ? servers : [`nats://${mesh.address(1)}:${NATS_PORT}`];
    mesh.world(member).control({ servers: url, revisionKeys });
  }
  await send('POST', '/v1/tenants', { id: 'red' });
  await send('POST', '/v1/tenants/red/networks', { id: 'n', ipv4Pool: '10.64.0.0/24', egress: true });
  await send('POST', '/v1/pops', { id: 'test' });
  const jwks = readFileSync(path.join(first.folder, 'jwks.json'), 'utf8');
  await send('PUBLISH', '', { jwks, tokenIssuer: ISSUER, refusedPrefixes: [] });
  const workers = '/v1/pops/test/workers';
  /** @returns the number that the control plane gives it */
  const create = async (member: number): Promise<number> => {
    const { json, status } = await send('POST', workers, { id: `w${member}`, meshAddress: mesh.address(member) });
    assert.equal(status, 201, JSON.stringify(json));
    return (json as { member: number }).member;
  };
  const remove = (member: number) => send('DELETE', `${workers}/w${member}`);
  /** The numbers of those that it has links to. */
  const linked = async (member: number): Promise<number[]> =>
    (await mesh.status(member)).peers.filter(({ isLinked }) => isLinked).map(({ member: other }) => other);
  const hasLinksTo = (member: number, ...others: number[]): Promise<void> =>
    mesh
      .world(member)
      .until(
        `worker ${member} has links to ${others}`,
        async () => String(await linked(member)) === String(others),
        20_000,
      );
  return { mesh, send, create, remove, hasLinksTo };
};

test('workers that know only their control plane find each other; who joins or leaves restarts nobody', {
  skip: needsNamespaces,
}, async (t) => {
  const { mesh, create, remove, hasLinksTo } = await made(t, 3);
  const [a, b, c] = [mesh.world(1), mesh.world(2), mesh.world(3)];

  assert.deepEqual([await create(1), await create(2)], [1, 2]);
  await Promise.all([a.startWorker(), b.startWorker()]);
  await hasLinksTo(1, 2);
  await hasLinksTo(2, 1);
  const [one, two] = [await connected(a, deviceOf('red', 2)), await connected(b, deviceOf('red', 3))];
  await a.until('the first worker knows of both', async () => (await mesh.status(1)).devices === 2);
  assert.equal(await answered(a, one, '10.64.0.3'), 3);
  const [pidA, pidB] = [a.worker?.pid, b.worker?.pid];

  // It waits for its number, and has it from disk later.
  const started = c.startWorker();
  await c.until('it says what it waits for', () => c.log.join('').includes('waits for its number'), 30_000);
  assert.match(c.log.join(''), /cloudbridge worker create test\/w3 --mesh-address 10\.99\.0\.3/);
  assert.equal(await create(3), 3);
  await started;
  await hasLinksTo(3, 1, 2);
  await hasLinksTo(1, 2, 3);
  const three = await connected(c, deviceOf('red', 4));
  await c.until('the third worker knows of all', async () => (await mesh.status(3)).devices === 3);
  assert.equal(await answered(c, three, 'fd00:1::2'), 3);
  assert.equal(await answered(c, three, '10.64.0.3'), 3);

  await remove(2);
  await hasLinksTo(1, 3);
  await hasLinksTo(3, 1);
  await hasLinksTo(2);
  await a.until('what was there is forgotten', async () => (await mesh.status(1)).devices === 2);
  assert.equal(await answered(a, one, '10.64.0.4'), 3);
  assert.deepEqual([a.worker?.pid, a.worker?.exitCode, b.worker?.pid, b.worker?.exitCode], [pidA, null, pidB, null]);
  two.child.kill('SIGKILL');

  // The number is not given again: the same worker is another member.
  const ended = new Promise((resolve) => b.worker?.once('exit', resolve));
  assert.equal(await create(2), 4);
  assert.equal(await ended, 1);
  assert.match(b.log.join(''), /another number, 4: it has to start anew/);
  await b.startWorker();
  await hasLinksTo(2, 1, 3);
  await hasLinksTo(1, 3, 4);
});

test('without NATS a device that moves is reached by others where it is, and a worker that starts anew is back', {
  skip: needsNamespaces,
}, async (t) => {
  const { mesh, send, create, hasLinksTo } = await made(t, 3);
  for (const member of mesh.members) assert.equal(await create(member), member);
  await Promise.all(mesh.worlds.map((world) => world.startWorker()));
  await hasLinksTo(1, 2, 3);
  await hasLinksTo(2, 1, 3);
  const [a, b, c] = [mesh.world(1), mesh.world(2), mesh.world(3)];
  const before = await connected(a, deviceOf('red', 2));
  const peer = await connected(c, deviceOf('red', 3));
  await c.until('the third worker knows of both', async () => (await mesh.status(3)).devices === 2);
  assert.equal(await answered(c, peer, '10.64.0.2'), 3);
  await send('NATS', 'kill');
  const isConnected = async () => JSON.parse(await c.command('status', '--json')).control.connected;
  await c.until('it notices', async () => (await isConnected()) === false);

  const after = await connected(b, deviceOf('red', 2));
  await before.reports.of('tunnel-closed');
  assert.equal(await answered(c, peer, '10.64.0.2'), 3);
  assert.equal(await answered(c, peer, 'fd00:1::2'), 3);
  assert.equal(await answered(b, after, '10.64.0.3'), 3);

  await a.endWorker('SIGKILL');
  await a.startWorker();
  await hasLinksTo(1, 2, 3);
  await a.until('it has learnt where devices are', async () => (await mesh.status(1)).devices === 2);
  const third = await connected(a, deviceOf('red', 4));
  assert.equal(await answered(a, third, '10.64.0.2'), 3);
});
