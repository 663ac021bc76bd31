import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { askWorker } from './admin/client.ts';
import { MeshWorlds } from './testing/mesh-worlds.ts';
import { INTERNET4, needsNamespaces } from './testing/world.ts';
import type { WorkerStatus } from './worker-status.ts';

const ALONE = '192.0.2.0/24';
const SHARED = '198.51.100.0/24';

test('a worker whose ways out fail keeps what nobody else announces, and leaves the rest to others', {
  skip: needsNamespaces,
}, async (t) => {
  const mesh = new MeshWorlds(t, 2);
  const announce = (member: number, ...prefixes: string[]): void => {
    const routing = {
      prefixes: prefixes.map((prefix, i) => ({ id: `p${i}`, prefix })),
      neighbors: [],
      uplinks: [{ pop: 'test', id: 'out', device: 'out', probeAddresses: [INTERNET4] }],
    };
    writeFileSync(path.join(mesh.world(member).folder, 'routing.json'), JSON.stringify(routing));
  };
  announce(1, ALONE, SHARED);
  announce(2, SHARED);
  const bgp = '[bgp]\nrouter_id = "203.0.113.1"\nstep_seconds = 0\n';
  await mesh.start(
    undefined,
    () => bgp,
    () => 'routing = "routing.json"\n',
  );
  const one = mesh.world(1);
  const anycast = async (member: number) =>
    ((await askWorker(mesh.world(member).socket, 'status')) as WorkerStatus).anycast;
  const is = (member: number, state: string, ...only: string[]) =>
    one.until(`worker ${member} is ${state} with ${only}`, async () => {
      const found = await anycast(member);
      return found?.state === state && (found.only ?? []).join() === only.join();
    });
  await is(1, 'announced');
  await is(2, 'announced');
  await one.until('they hear each other', async () => (await mesh.status(1)).peers.every((peer) => peer.isLinked));
  const wayOut = (isUp: boolean): string =>
    execFileSync('ip', ['-n', one.internetNamespace, 'link', 'set', 'in', isUp ? 'up' : 'down'], { encoding: 'utf8' });
  wayOut(false);
  await is(1, 'last', ALONE);
  assert.match((await one.command('status')) as string, /^announced of them +192\.0\.2\.0\/24$/m);
  assert.deepEqual(await one.admin('/readyz'), { status: 200, text: 'ready: out has no carrier\n' });
  // Another one has it now.
  announce(2, ALONE, SHARED);
  mesh.world(2).worker?.kill('SIGHUP');
  await is(1, 'failed');
  assert.equal((await one.admin('/readyz')).status, 503);
  // …and none does any more, though it lives.
  await askWorker(mesh.world(2).socket, 'withdraw');
  await is(1, 'last', ALONE, SHARED);
  await askWorker(mesh.world(2).socket, 'undrain');
  await is(1, 'failed');
  wayOut(true);
  await is(1, 'announced');
  // Of both prefixes the other has both: a drain leaves them with it, and that of the other then leaves nobody.
  const warned = (member: number): boolean =>
    mesh.world(member).log.join('').includes('the last that announces drains');
  await one.until('the other announces', async () => (await one.metric('cloudbridge_anycast_alone_count')) === 0);
  await askWorker(one.socket, 'drain');
  await is(1, 'drained');
  assert.equal(warned(1), false);
  await one.until(
    'the other is alone',
    async () => (await mesh.world(2).metric('cloudbridge_anycast_alone_count')) === 2,
  );
  await askWorker(mesh.world(2).socket, 'drain');
  await is(2, 'drained');
  assert.match(mesh.world(2).log.join(''), /warn.*the last that announces drains.*192\.0\.2\.0\/24/);
});
