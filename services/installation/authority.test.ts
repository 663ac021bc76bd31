import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import tls from 'node:tls';
import { Authority } from './authority.ts';

test('a server with an issued certificate is trusted by its names and addresses only', async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'cloudbridge-pki-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const authority = await Authority.open(folder);
  const identity = await authority.issue('edge', {
    names: ['edge.test'],
    addresses: ['127.0.0.1', '::1'],
    usage: 'server',
  });
  assert.equal(fs.statSync(identity.key).mode & 0o777, 0o600);
  const certificate = new X509Certificate(fs.readFileSync(identity.certificate));
  assert.ok(certificate.verify(new X509Certificate(fs.readFileSync(authority.file)).publicKey));
  assert.deepEqual([certificate.checkHost('edge.test'), certificate.checkIP('127.0.0.1')], ['edge.test', '127.0.0.1']);
  const server = tls.createServer(
    { cert: fs.readFileSync(identity.certificate), key: fs.readFileSync(identity.key) },
    (socket) => socket.end('hello'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const connect = (servername: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = tls.connect({ port, host: '127.0.0.1', servername, ca: fs.readFileSync(authority.file) });
      socket.on('data', (data) => resolve(data.toString()));
      socket.on('error', reject);
    });
  assert.equal(await connect('edge.test'), 'hello');
  await assert.rejects(connect('other.test'), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
});
