import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readWorkerConfig } from '#pop-worker/config.ts';
import { readMesh } from '#pop-worker/mesh-settings.ts';
import { addWorkers, createInstallation, renewInstallation } from './create.ts';

const made = async (t: TestContext): Promise<string> => {
  const parent = await mkdtemp(join(tmpdir(), 'cloudbridge-mesh-'));
  t.after(() => rm(parent, { recursive: true, force: true }));
  const folder = join(parent, 'cb');
  await createInstallation({ folder, natsHosts: ['192.0.2.10'], edgeAddresses: ['192.0.2.1'] });
  return folder;
};

test('a worker that the mesh reaches has a certificate of the mesh’s own authority, and a file without peers', async (t) => {
  const folder = await made(t);
  const { changed } = await addWorkers(folder, ['moscow/w1'], '203.0.113.7');
  const [files] = changed;
  const config = readWorkerConfig(files?.config ?? '');
  const settings = config.mesh ?? assert.fail();
  const { member, peers, tls } = readMesh(settings, 12);
  assert.deepEqual([settings.member, member, peers, config.handoff?.address], [undefined, 12, [], '203.0.113.7']);
  const certificate = new X509Certificate(tls.certificate);
  assert.equal(certificate.subjectAltName, 'DNS:w1.moscow.mesh');
  assert.ok(certificate.verify(new X509Certificate(tls.authority).publicKey));
  const other = new X509Certificate(await readFile(join(folder, 'ca', 'ca.pem')));
  assert.equal(certificate.verify(other.publicKey), false, 'who may be a NATS server or a service is no worker');
  const key = certificate.publicKey.export({ type: 'spki', format: 'der' });
  assert.deepEqual(files?.mesh, { address: '203.0.113.7', pin: createHash('sha256').update(key).digest('hex') });
  assert.equal((await stat(join(files?.folder ?? '', 'mesh.key'))).mode & 0o777, 0o600);
  const { changed: again } = await addWorkers(folder, ['moscow/w1'], '203.0.113.7');
  assert.deepEqual(again, changed, 'what is there stays');
  const renewed = await renewInstallation(folder);
  assert.ok(renewed.changed.includes(join(files?.folder ?? '', 'mesh.pem')));
  const after = new X509Certificate(await readFile(settings.certificate));
  assert.notEqual(after.fingerprint256, certificate.fingerprint256);
  assert.deepEqual(after.publicKey.export({ type: 'spki', format: 'der' }), key, 'and so does what is pinned');
});

test('an address is one worker’s, and one that is there without a mesh is not changed', async (t) => {
  const folder = await made(t);
  await assert.rejects(addWorkers(folder, ['moscow/w1', 'moscow/w2'], '203.0.113.7'), /name one at a time/);
  await assert.rejects(addWorkers(folder, ['moscow/w1'], 'w1.example'), /must be an IP address/);
  const [files] = (await addWorkers(folder, ['moscow/w1'])).changed;
  assert.deepEqual([readWorkerConfig(files?.config ?? '').mesh, files?.mesh], [undefined, undefined]);
  await assert.rejects(addWorkers(folder, ['moscow/w1'], '203.0.113.7'), /has no \[mesh\]: add it/);
});
