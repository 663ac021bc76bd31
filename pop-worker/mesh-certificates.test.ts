import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { MeshWorlds } from './testing/mesh-worlds.ts';
import { needsNamespaces, type World } from './testing/world.ts';

const DAY_S = 86_400;
const NO = { skip: needsNamespaces, timeout: 120_000 };
const REMAINING = 'cloudbridge_mesh_certificate_remaining_seconds';

/** The numbers of those that a worker has links to. */
const linkedTo = async (mesh: MeshWorlds, member: number): Promise<number[]> =>
  (await mesh.status(member)).peers.filter(({ isLinked }) => isLinked).map(({ member: other }) => other);

const hasLinks = (mesh: MeshWorlds, member: number, ...others: number[]): Promise<void> =>
  mesh
    .world(member)
    .until(
      `worker ${member} has links to ${others}`,
      async () => `${await linkedTo(mesh, member)}` === `${others}`,
      20_000,
    );

const reloaded = async (world: World): Promise<string> => {
  world.log.length = 0;
  world.worker?.kill('SIGHUP');
  await world.until('it says so', () => world.log.join('').includes('read again'));
  return world.log.join('');
};

test(
  'a key that is pinned is asked for by who calls and by who is called, whatever the authority has signed',
  NO,
  async (t) => {
    const mesh = new MeshWorlds(t, 3);
    // Worker 1 calls 2 and 3, and 2 calls 3: the first pins a wrong key of 2, the third a wrong one of 2, everybody else a right one.
    const isWrong = (member: number, other: number): boolean => other === 2 && member !== 2;
    await mesh.start(undefined, undefined, undefined, (member, other) =>
      isWrong(member, other) ? '00'.repeat(32) : mesh.pin(other),
    );
    await hasLinks(mesh, 1, 3);
    await hasLinks(mesh, 3, 1);
    for (const member of [1, 3]) {
      const world = mesh.world(member);
      await world.until('it says why', () =>
        /worker2\.mesh is that of no member, or not of the key/.test(world.log.join('')),
      );
    }
    assert.deepEqual(await linkedTo(mesh, 2), []);
    // The same certificates, and the right pins.
    for (const member of [1, 3]) {
      await mesh.world(member).endWorker('SIGTERM');
      await mesh.configure(member, mesh.files, '', (other) => mesh.pin(other));
      await mesh.world(member).startWorker();
    }
    await hasLinks(mesh, 2, 1, 3);
  },
);

test(
  'a certificate that runs out is told of; SIGHUP reads a new one, links stay, and later ones show it',
  NO,
  async (t) => {
    const mesh = new MeshWorlds(t, 2);
    await mesh.networks();
    for (const member of mesh.members) {
      await mesh.configure(member, mesh.certify(member, undefined, undefined, member === 1 ? 10 : undefined));
    }
    await Promise.all(mesh.worlds.map((world) => world.startWorker()));
    const [first, second] = [mesh.world(1), mesh.world(2)];
    await hasLinks(mesh, 1, 2);
    assert.match(first.log.join(''), /the certificate of the mesh runs out soon: renew it and send SIGHUP".*"days":9,/);
    assert.doesNotMatch(second.log.join(''), /runs out/);
    const days = (await first.metric(REMAINING)) / DAY_S;
    assert.ok(days > 9.9 && days <= 10, `${days} days`);

    mesh.certify(1);
    const said = await reloaded(first);
    assert.match(said, /"files":\[.*"certificate of the mesh"/);
    assert.doesNotMatch(said, /runs out|is down/);
    assert.deepEqual(await linkedTo(mesh, 1), [2]);
    const later = (await first.metric(REMAINING)) / DAY_S;
    assert.ok(later > 59.9 && later <= 60, `${later} days`);

    // What cannot be used changes nothing.
    const file = path.join(first.folder, 'mesh.pem');
    writeFileSync(file, 'no certificate');
    assert.match(await reloaded(first), /not read again.*mesh\.pem is not PEM/);
    assert.equal((await first.metric(REMAINING)) / DAY_S > 59, true);

    // One that asks for the new key is shown it.
    mesh.certify(1);
    await reloaded(first);
    await second.endWorker('SIGTERM');
    await mesh.configure(2, mesh.files, '', (other) => mesh.pin(other));
    await second.startWorker();
    await hasLinks(mesh, 2, 1);
  },
);
