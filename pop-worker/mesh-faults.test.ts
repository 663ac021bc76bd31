import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { type TestContext, test } from 'node:test';
import { MeshWorlds } from './testing/mesh-worlds.ts';
import { deviceOf, EDGE4, needsNamespaces, type TestDevice, type World } from './testing/world.ts';

const connected = async (world: World, n: number): Promise<TestDevice> => {
  const device = await world.connect(deviceOf('red', n), EDGE4);
  await device.reports.of('up');
  world.run(device.namespace, 'ip', 'route', 'add', '10.64.0.0/10', 'dev', 'tun0');
  return device;
};

const pings = async (world: World, device: TestDevice, address: string, count = 3): Promise<number> => {
  const text = await world.exec(device.namespace, 'sh', '-c', `ping -n -c ${count} -i 0.05 -w 5 ${address} || true`);
  return Array.from(text.matchAll(/icmp_seq=\d+ .*time=/g)).length;
};

const meshed = async (t: TestContext, count: number): Promise<MeshWorlds> => {
  const mesh = new MeshWorlds(t, count);
  await mesh.start();
  for (const member of mesh.members) {
    await mesh.world(member).until('it holds its lease', async () => (await mesh.status(member)).holdsLease, 20_000);
  }
  return mesh;
};

test('a worker that is killed is dead for the others at once; two that cannot reach each other go through a third', {
  skip: needsNamespaces,
}, async (t) => {
  const mesh = await meshed(t, 3);
  const [a, b] = [mesh.world(1), mesh.world(2)];
  const [one, two] = [await connected(a, 2), await connected(b, 3)];
  await a.until(
    'both know of both',
    async () => (await mesh.status(1)).devices === 2 && (await mesh.status(2)).devices === 2,
  );
  assert.equal(await pings(a, one, '10.64.0.3'), 3);

  mesh.cut(1, 2);
  await a.until('it goes through the third', async () =>
    (await mesh.status(1)).peers.some(({ member, via }) => member === 2 && via === 3),
  );
  await b.until('and back', async () =>
    (await mesh.status(2)).peers.some(({ member, via }) => member === 1 && via === 3),
  );
  assert.equal(await pings(a, one, '10.64.0.3', 10), 10);
  assert.equal(await pings(b, two, '10.64.0.2', 10), 10);
  assert.ok((await mesh.world(3).metric('cloudbridge_mesh_packets_total{direction="relayed"}')) >= 20);
  // So does what is told of a device that comes.
  await connected(b, 4);
  const passed = 'cloudbridge_mesh_relayed_frames_total{outcome="passed"}';
  await b.until('the third hands it on', async () => (await mesh.world(3).metric(passed)) > 0);
  for (const member of mesh.members) {
    const { holdsLease, peers } = await mesh.status(member);
    assert.ok(holdsLease && peers.every(({ isDead }) => !isDead), `worker ${member}`);
  }
  mesh.join(1, 2);
  await a.until(
    'it goes directly again',
    async () => (await mesh.status(1)).peers.every(({ via }) => via === 0),
    20_000,
  );

  mesh.world(3).worker?.kill('SIGKILL');
  const killedAt = performance.now();
  await a.until('it is dead', async () =>
    (await mesh.status(1)).peers.some(({ member, isDead }) => member === 3 && isDead),
  );
  await b.until('for both', async () =>
    (await mesh.status(2)).peers.some(({ member, isDead }) => member === 3 && isDead),
  );
  t.diagnostic(`dead for both after ${Math.round(performance.now() - killedAt)} ms`);
  assert.equal(await pings(a, one, '10.64.0.3'), 3);
});

test('a worker that hears nobody goes on serving, without a lease', { skip: needsNamespaces }, async (t) => {
  const mesh = await meshed(t, 3);
  const [a] = [mesh.world(1)];
  const [one, other] = [await connected(a, 2), await connected(a, 4)];
  mesh.setLink(1, false);
  await a.until('it has lost its lease', async () => !(await mesh.status(1)).holdsLease);
  for (const { isDead } of (await mesh.status(1)).peers) assert.equal(isDead, false);
  await mesh
    .world(2)
    .until('it is dead for the others', async () =>
      (await mesh.status(2)).peers.some(({ member, isDead }) => member === 1 && isDead),
    );
  assert.equal(await pings(a, one, '10.64.0.4'), 3);
  assert.equal(await pings(a, other, '203.0.113.10'), 3);
  mesh.setLink(1, true);
  await a.until('it has its lease again', async () => (await mesh.status(1)).holdsLease, 20_000);
});

test('a mesh thread that a busy machine keeps from its turn is lent priority', { skip: needsNamespaces }, async (t) => {
  const mesh = await meshed(t, 3);
  const spinners = Array.from({ length: 2 * availableParallelism() }, () =>
    spawn('sh', ['-c', 'ulimit -t 10; while :; do :; done'], { stdio: 'ignore' }),
  );
  t.after(() => {
    for (const spinner of spinners) spinner.kill('SIGKILL');
  });
  const loans = async (): Promise<number> => {
    const each = mesh.members.map((member) => {
      return mesh.world(member).metric('cloudbridge_mesh_priority_loans_total');
    });
    return (await Promise.all(each)).reduce((sum, value) => sum + value, 0);
  };
  for (const end = performance.now() + 5000; performance.now() < end; ) {
    for (const member of mesh.members) {
      const { peers } = await mesh.status(member);
      assert.ok(
        peers.every(({ isDead }) => !isDead),
        JSON.stringify(peers),
      );
    }
  }
  assert.ok((await loans()) > 0);
  for (const member of mesh.members) assert.ok((await mesh.status(member)).holdsLease);
});

test('a worker that was stopped gives nobody anything before it knows what became of its devices', {
  skip: needsNamespaces,
}, async (t) => {
  const mesh = await meshed(t, 3);
  const [a, b] = [mesh.world(1), mesh.world(2)];
  const [moves, stays] = [await connected(a, 2), await connected(a, 4)];
  await b.until('the others know of both', async () => (await mesh.status(2)).devices === 2);
  assert.equal(await pings(a, moves, '203.0.113.10'), 3);
  a.worker?.kill('SIGSTOP');
  await b.until('it is dead', async () =>
    (await mesh.status(2)).peers.some(({ member, isDead }) => member === 1 && isDead),
  );
  const moved = await connected(b, 2);
  // They wait in the stopped worker's socket.
  const late = pings(a, moves, '203.0.113.10', 20);
  assert.equal(await pings(b, moved, '203.0.113.10'), 3);
  await new Promise((resolve) => setTimeout(resolve, 600));
  a.worker?.kill('SIGCONT');
  await moves.reports.of('tunnel-closed');
  assert.equal(await late, 0, 'the device is at another worker: this one delivers nothing of it');
  assert.equal(await pings(a, stays, '203.0.113.10'), 3, 'who stayed goes on');
});
