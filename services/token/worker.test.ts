import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import { type RunningWorker, runInWorkerd } from '#services/api/testing/workerd.ts';
import { Sealer } from '#services/store/seal.ts';
import { createTestTokenService, type TestTokenService } from './testing/installation.ts';

const PROJECT = '300000000000000001';
const installationKey = randomBytes(32);
const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true });

/** Answers what an identity provider publishes. */
const provider = createServer(async (request, response) => {
  const body = request.url?.startsWith('/.well-known/')
    ? { issuer, jwks_uri: `${issuer}/keys` }
    : { keys: [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'RS256' }] };
  response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
});
await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;

let service: TestTokenService;
let worker: RunningWorker;

before(async () => {
  service = await createTestTokenService(
    async () => assert.fail('no copy runs under Node'),
    await Sealer.create(installationKey),
  );
  await service.putDevice({ id: 'laptop', owner: 'olga' });
  worker = await runInWorkerd(path.join(import.meta.dirname, 'worker.ts'), {
    NATS_URL: service.server.websocketUrl,
    INSTALLATION_KEY: installationKey.toString('base64url'),
    IDENTITY_ISSUER: issuer,
    IDENTITY_PROJECT: PROJECT,
    TOKEN_ISSUER: 'https://edge.test',
  });
});
after(async () => {
  await worker.close();
  await service.close();
  await new Promise((resolve) => provider.close(resolve));
});

const accessToken = (audience = PROJECT) =>
  new SignJWT({})
    .setProtectedHeader({ alg: 'RS256', kid: 'k' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject('olga')
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(privateKey);
const issue = async (token: string): Promise<Response> =>
  fetch(`${worker.url}/v1/tenants/acme/devices/laptop/token`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '{}',
  });

test('workerd serves the same: it verifies the caller, reads NATS over WebSocket and signs', async () => {
  const keys = (await (await fetch(`${worker.url}/.well-known/jwks.json`)).json()) as never;
  for (let i = 0; i < 3; i++) {
    const answer = await issue(await accessToken());
    assert.equal(answer.status, 200);
    const { token } = (await answer.json()) as { token: string };
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), { issuer: 'https://edge.test' });
    assert.equal(payload.sub, 'laptop');
  }
  assert.equal((await issue(await accessToken('another project'))).status, 401);
});

test('it tells who gives access tokens for it (RFC 9728)', async () => {
  const answer = await fetch(`${worker.url}/.well-known/oauth-protected-resource`);
  const described = (await answer.json()) as Record<string, unknown>;
  assert.deepEqual(
    [described['resource'], described['authorization_servers'], described['cloudbridge_project']],
    ['https://edge.test', [issuer], PROJECT],
  );
});

test('workerd says "later" while NATS is away, and tells its log why', async () => {
  await service.server.kill();
  const answer = await issue(await accessToken());
  assert.equal(answer.status, 503);
  assert.equal(answer.headers.get('retry-after'), '1');
  // A pipe may bring it after the answer.
  const end = Date.now() + 20_000;
  for (; !worker.log().includes('connection refused'); await setImmediate()) assert.ok(Date.now() < end, worker.log());
  await service.server.start();
  assert.equal((await issue(await accessToken())).status, 200);
});
