import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { StatusKey } from '#model/names.ts';
import { Health, PresenceSchema, WorkerStatusSchema } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { createClient } from './testing/client.ts';
import { type Copy, createTestInstallation, type TestInstallation } from './testing/installation.ts';

let installation: TestInstallation;
let copy: Copy;

const newKey = (): string => {
  const { x } = generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' });
  return Buffer.from(String(x), 'base64url').toString('base64');
};
const [OLD, NEW] = [newKey(), newKey()];
const EDGE = '/v1/wireguard-edge';

before(async () => {
  installation = await createTestInstallation();
  copy = await installation.startCopy();
  await copy.send('PATCH', EDGE, { publicKey: OLD, endpoints: ['192.0.2.1:51820'] });
  for (const tenant of ['acme', 'globex']) {
    await copy.send('POST', '/v1/tenants', { id: tenant, organisation: tenant });
    await copy.send('POST', `/v1/tenants/${tenant}/networks`, { id: 'n', ipv4Pool: '10.64.0.0/24' });
  }
});
after(() => installation?.close());

const make = async (tenant: string, id: string, presharedKey?: string): Promise<void> => {
  const wireguard = { publicKey: newKey(), ...(presharedKey !== undefined && { presharedKey }) };
  const { status, json } = await copy.send('POST', `/v1/tenants/${tenant}/devices`, { id, network: 'n', wireguard });
  assert.equal(status, 201, JSON.stringify(json));
};

const says = (worker: string, more: MessageInitShape<typeof WorkerStatusSchema> = {}): Promise<unknown> => {
  const status = create(WorkerStatusSchema, { pop: 'moscow', worker, health: Health.SERVING, ...more });
  const value = toBinary(WorkerStatusSchema, status);
  return copy.app.stores.status.commit([{ key: StatusKey.worker('moscow', worker), value }]);
};

const isAt = (tenant: string, device: string, worker: string, edgeKey: string): Promise<unknown> => {
  const presence = create(PresenceSchema, { tenant, device, pop: 'moscow', worker, since: timestampNow(), edgeKey });
  const key = StatusKey.presence(tenant, device, 'moscow', worker);
  return copy.app.stores.status.commit([{ key, value: toBinary(PresenceSchema, presence) }]);
};

const rotation = async () => {
  const { json } = await copy.send('GET', `${EDGE}/rotation`);
  return (json.devices ?? []).map(
    ({ tenant, device, worker = '-', comesBy = '?', sealedToPreviousKey }: Record<string, string>) =>
      `${tenant}/${device} ${worker} ${comesBy.replace('WIREGUARD_KEY_USE_', '')}${sealedToPreviousKey ? ' sealed' : ''}`,
  );
};

test('while there is one key nobody is listed', async () => {
  await make('acme', 'away');
  assert.deepEqual((await copy.send('GET', `${EDGE}/rotation`)).json, { publicKey: OLD });
});

test('in a rotation all of the fleet are listed who come by the key before, have one sealed to it, or are at no worker', async () => {
  for (const id of ['old', 'new', 'unsaid', 'silent']) await make('acme', id);
  await make('globex', 'sealed', randomBytes(32).toString('base64'));
  assert.equal((await copy.send('PATCH', EDGE, { publicKey: NEW })).status, 200);
  await make('globex', 'resealed', randomBytes(32).toString('base64'));
  for (const worker of ['w1', 'w2']) await says(worker);
  await isAt('acme', 'old', 'w1', OLD);
  await isAt('acme', 'new', 'w2', NEW);
  await isAt('acme', 'unsaid', 'w2', '');
  await isAt('globex', 'sealed', 'w2', NEW);
  await isAt('globex', 'resealed', 'w1', NEW);
  // A worker that nobody has heard of.
  await isAt('acme', 'silent', 'w3', NEW);
  assert.deepEqual(await rotation(), [
    'acme/away - ?',
    'acme/old w1 PREVIOUS',
    'acme/silent - ?',
    'acme/unsaid w2 ?',
    'globex/sealed w2 PRESENT sealed',
  ]);
  await isAt('acme', 'old', 'w1', NEW);
  assert.ok(!(await rotation()).some((row: string) => row.startsWith('acme/old')), 'it has the new one');
  await says('w2', { health: Health.STOPPED });
  assert.ok((await rotation()).includes('acme/new - ?'), 'it may come by any');
});

test('who is revoked needs no key, and only operators ask for the fleet', async () => {
  await copy.send('POST', '/v1/tenants/acme/devices/away/revoke', {});
  assert.ok(!(await rotation()).some((row: string) => row.startsWith('acme/away')));
  const admin = createClient(
    copy.app.fetch,
    await installation.tokens.sign({ subject: 'tim', roles: ['tenant-admin'], organisation: 'acme' }),
  );
  assert.equal((await admin('GET', `${EDGE}/rotation`)).status, 403);
});
