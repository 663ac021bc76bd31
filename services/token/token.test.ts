import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import fc from 'fast-check';
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import { readPopClaims } from '#model/claims.ts';
import { RevocationKey } from '#model/names.ts';
import { DeviceState, RevocationSchema } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { TokenService } from '#proto/gen/cloudbridge/v1/token_pb.ts';
import { createTestTokens, type TestTokens } from '#services/authn/testing/tokens.ts';
import { POP_KEYS, rotateSigningKeys } from '#services/store/signing-keys.ts';
import { createTokenApp } from './app.ts';
import { createTestTokenService, type TestTokenService } from './testing/installation.ts';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const PATH = '/v1/tenants/acme/devices/laptop/token';
const seconds = () => Date.now() / 1000;

let service: TestTokenService;
let tokens: TestTokens;
let owner: string;
let stranger: string;
let operator: string;

before(async () => {
  tokens = await createTestTokens();
  service = await createTestTokenService(tokens.verify);
  await Promise.all([service.startCopy(), service.startCopy()]);
  owner = await tokens.sign({ subject: 'olga', roles: [] });
  stranger = await tokens.sign({ subject: 'mallory', roles: [] });
  operator = await tokens.sign({ subject: 'otto', roles: ['operator'] });
  await service.putDevice({ id: 'laptop', owner: 'olga' });
  await service.putDevice({ id: 'orphan', owner: '' });
  await service.putDevice({ id: 'lost', owner: 'olga', state: DeviceState.REVOKED });
});
after(() => service.close());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: { readonly [name: string]: string };
}
const send = async (path: string, token: string, body: object = {}, base = service.url): Promise<Answer> => {
  const response = await fetch(`${base}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token !== '' && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, json: JSON.parse(text || '{}') as Answer['json'] };
};
/** An array sends its parameter once for each. */
type Form = Readonly<{ [name: string]: string | readonly string[] }>;
const DEVICE = 'urn:cloudbridge:device:acme/laptop';
const exchange = async (form: Form): Promise<Answer> => {
  const fields: Form = {
    grant_type: TOKEN_EXCHANGE,
    subject_token: owner,
    subject_token_type: ACCESS_TOKEN,
    resource: DEVICE,
    ...form,
  };
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) for (const one of [value].flat()) body.append(name, one);
  const response = await fetch(`${service.url}/v1/token`, { method: 'POST', body });
  return { status: response.status, headers: response.headers, json: (await response.json()) as Answer['json'] };
};
const jwks = async () =>
  (await (await fetch(`${service.url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] };

/** As a worker does it. */
const admit = async (token: string) => {
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet((await jwks()) as never));
  assert.equal(protectedHeader.alg, 'ES256');
  return readPopClaims(payload, service.url, seconds());
};

test('an owner gets a token that a worker admits its device with', async () => {
  const { status, json } = await send(PATH, owner);
  assert.equal(status, 200);
  const claims = await admit(json['token'] ?? '');
  assert.ok(typeof claims === 'object');
  const { issuedAt, expiresAt, tokenId, ...rest } = claims;
  const addresses = { ipv4: '10.64.0.9', ipv6: 'fd00:1:2:3::a40:9' };
  assert.deepEqual(rest, { issuer: service.url, tenant: 'acme', device: 'laptop', ...addresses, egress: true });
  assert.equal(expiresAt - issuedAt, 3600);
  assert.equal(tokenId, json['tokenId']);
  assert.equal(Date.parse(json['expireTime'] ?? ''), expiresAt * 1000);
});

test('a lifetime is kept to the minute and never over a day', async () => {
  const { json } = await send(PATH, owner, { lifetimeSeconds: 86_400 });
  const { iat = 0, exp = 0 } = decodeJwt(json['token'] ?? '');
  assert.equal(exp - iat, 86_400);
  assert.equal((await send(PATH, owner, { lifetimeSeconds: 86_401 })).status, 400);
});

test('operators and the tenant’s own admins get tokens for its devices; nobody else learns that they exist', async () => {
  const roles = ['tenant-admin'];
  const admin = await tokens.sign({ subject: 'anna', roles, organisation: '100' });
  const foreign = await tokens.sign({ subject: 'frank', roles, organisation: '200' });
  const homeless = await tokens.sign({ subject: 'hugo', roles });
  assert.deepEqual(
    await Promise.all([operator, admin].map(async (token) => (await send(PATH, token)).status)),
    [200, 200],
  );
  const missing = (await send('/v1/tenants/acme/devices/nothing/token', stranger)).json;
  for (const token of [stranger, foreign, homeless]) {
    const { status, json } = await send(PATH, token);
    assert.equal(status, 404);
    assert.deepEqual(json, { ...missing, detail: missing['detail']?.replace('nothing', 'laptop') });
  }
  assert.equal((await send('/v1/tenants/acme/devices/orphan/token', stranger)).status, 404, 'no owner is nobody');
});

test('who does not sign in gets nothing', async () => {
  assert.equal((await send(PATH, '')).status, 401);
  const forged = await send(PATH, await tokens.forge());
  assert.deepEqual([forged.status, forged.json['reason']], [401, 'TOKEN_INVALID']);
});

test('a revoked device or tenant gets no token', async () => {
  const lost = await send('/v1/tenants/acme/devices/lost/token', owner);
  assert.deepEqual([lost.status, lost.json['reason']], [409, 'DEVICE_REVOKED']);
  await service.putDevice({ id: 'phone', owner: 'olga' });
  const path = '/v1/tenants/acme/devices/phone/token';
  assert.equal((await send(path, owner)).status, 200);
  // As the configuration service leaves it when it ends before it marks the device itself.
  const value = toBinary(RevocationSchema, create(RevocationSchema, { tenant: 'acme', device: 'phone' }));
  await service.revocations.commit([{ key: RevocationKey.device('acme', 'phone'), value }]);
  assert.equal((await send(path, owner)).json['reason'], 'DEVICE_REVOKED');
  await service.revocations.commit([{ key: RevocationKey.tenant('acme'), value }]);
  assert.equal((await send(PATH, owner)).json['reason'], 'DEVICE_REVOKED');
  await service.revocations.commit([{ key: RevocationKey.tenant('acme'), value: undefined }]);
  assert.equal((await send(PATH, owner)).status, 200);
});

test('a revoked token is known to the workers until it would have ended', async () => {
  const { json } = await send(PATH, owner);
  const path = `/v1/tenants/acme/tokens/${json['tokenId']}/revoke`;
  assert.equal((await send(path, owner)).status, 403, 'its owner may not');
  assert.equal((await send(path, operator, { reason: 'lost' })).status, 204);
  assert.equal((await send(path, operator)).status, 204, 'again is no error');
  const record = await service.revocations.get(RevocationKey.token('acme', json['tokenId'] ?? ''));
  assert.ok(record);
  const { tenant, device, tokenId, reason, expireTime } = fromBinary(RevocationSchema, record.value);
  assert.deepEqual([tenant, device, tokenId, reason], ['acme', '', json['tokenId'], 'lost']);
  assert.ok(Number(expireTime?.seconds) > seconds() + 86_400);
  assert.equal((await send('/v1/tenants/acme/tokens/a.b/revoke', operator)).status, 400);
  assert.equal((await send('/v1/tenants/nobody/tokens/x/revoke', operator)).status, 404);
});

test('the same over Connect and gRPC', async () => {
  const headers = { authorization: `Bearer ${owner}` };
  const copy = await service.startCopy();
  for (const transport of [
    createConnectTransport({ baseUrl: copy.url, httpVersion: '1.1' }),
    createGrpcTransport({ baseUrl: copy.url }),
  ]) {
    const client = createClient(TokenService, transport);
    const { token } = await client.issueToken({ tenant: 'acme', device: 'laptop' }, { headers });
    assert.equal(typeof (await admit(token)), 'object');
  }
  await copy.kill();
});

test('an access token is exchanged for a PoP token (RFC 8693)', async () => {
  const { status, headers, json } = await exchange({});
  assert.equal(status, 200);
  assert.equal(headers.get('cache-control'), 'no-store');
  assert.deepEqual(
    [json['issued_token_type'], json['token_type'], json['expires_in']],
    ['urn:ietf:params:oauth:token-type:jwt', 'Bearer', 3600],
  );
  assert.equal(typeof (await admit(json['access_token'] ?? '')), 'object');
});

const REFUSED: readonly (readonly [Form, string])[] = [
  [{ grant_type: 'client_credentials' }, 'unsupported_grant_type'],
  [{ subject_token: '' }, 'invalid_request'],
  [{ subject_token: 'garbage' }, 'invalid_request'],
  [{ subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, 'invalid_request'],
  [{ requested_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, 'invalid_request'],
  [{ actor_token: 'x' }, 'invalid_request'],
  [{ audience: 'elsewhere' }, 'invalid_target'],
  [{ resource: '' }, 'invalid_target'],
  [{ resource: 'urn:cloudbridge:device:acme' }, 'invalid_target'],
  [{ resource: 'urn:cloudbridge:device:acme/nothing' }, 'invalid_target'],
  [{ resource: 'urn:cloudbridge:device:acme/lost' }, 'invalid_target'],
  [{ resource: 'urn:cloudbridge:device:*/>' }, 'invalid_target'],
  // RFC 6749 §3.2: no parameter twice, not even with the same value, and not one that is ignored otherwise.
  [{ grant_type: [TOKEN_EXCHANGE, TOKEN_EXCHANGE] }, 'invalid_request'],
  [{ subject_token_type: [ACCESS_TOKEN, ACCESS_TOKEN] }, 'invalid_request'],
  [{ resource: [DEVICE, 'urn:cloudbridge:device:acme/phone'] }, 'invalid_request'],
  [{ scope: ['a', 'b'] }, 'invalid_request'],
  [{ unknown: ['', ''] }, 'invalid_request'],
];
for (const [form, code] of REFUSED) {
  test(`an exchange is refused: ${JSON.stringify(form)}`, async () => {
    const { status, json } = await exchange(form);
    assert.deepEqual([status, json['error']], [400, code]);
  });
}

test('any form, path and body is answered, never by a fault of the service', async () => {
  const app = await createTokenApp({
    nats: service.nats,
    sealer: service.sealer,
    verify: tokens.verify,
    issuer: service.url,
    report: (error) => assert.fail(String(error)),
    tokensPerMinute: 1e6,
  });
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('acme', 'laptop', '*', '>', '..', '%00', TOKEN_EXCHANGE),
  );
  const form = fc.dictionary(
    fc.oneof(fc.constantFrom('grant_type', 'resource', 'subject_token', 'subject_token_type'), text),
    text,
  );
  await fc.assert(
    fc.asyncProperty(form, text, text, fc.jsonValue(), async (fields, tenant, device, body) => {
      const exchanged = await app.fetch(
        new Request('http://edge/v1/token', { method: 'POST', body: new URLSearchParams(fields) }),
      );
      assert.ok(exchanged.status < 500);
      const path = `/v1/tenants/${encodeURIComponent(tenant)}/devices/${encodeURIComponent(device)}/token`;
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${operator}` };
      const issued = await app.fetch(
        new Request(`http://edge${path}`, { method: 'POST', headers, body: JSON.stringify(body) }),
      );
      assert.ok(issued.status < 500, `${issued.status}`);
    }),
    { numRuns: 100 },
  );
});

test('a caller gets so many tokens in a minute, over all copies, and others are not held up', async () => {
  const copies = await Promise.all([1, 2].map(() => service.startCopy({ tokensPerMinute: 4 })));
  await service.putDevice({ id: 'fridge', owner: 'fritz' });
  const fritz = await tokens.sign({ subject: 'fritz', roles: [] });
  const path = '/v1/tenants/acme/devices/fridge/token';
  const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => send(path, fritz, {}, copies[i % 2]?.url)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 4);
  const refused = answers.filter(({ status }) => status === 429);
  assert.equal(refused.length, 6);
  assert.ok(
    refused.every(({ headers, json }) => Number(headers.get('retry-after')) > 0 && json['reason'] === 'RATE_LIMITED'),
  );
  const other = await tokens.sign({ subject: 'otto-2', roles: ['operator'] });
  assert.equal((await send(PATH, other, {}, copies[0]?.url)).status, 200);
  await Promise.all(copies.map((copy) => copy.kill()));
});

test('a new key is published before the first token of it', async () => {
  let now = seconds();
  const report = (error: unknown): void => assert.fail(String(error));
  const { nats, sealer, url: issuer } = service;
  const app = await createTokenApp({ nats, sealer, verify: tokens.verify, issuer, report, now: () => now });
  const issue = async (): Promise<string> => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${owner}` };
    const answer = await app.fetch(new Request(`http://edge${PATH}`, { method: 'POST', headers, body: '{}' }));
    const { token } = (await answer.json()) as { token: string };
    return JSON.parse(atob(token.split('.')[0] ?? '')).kid;
  };
  const old = await issue();
  const from = await rotateSigningKeys(service.config, POP_KEYS, sealer, 3600);
  now += 10;
  assert.equal(await issue(), old);
  const published = (await jwks()).keys.map(({ kid }) => kid);
  assert.equal(published.length, 2);
  now = from + 1;
  const fresh = await issue();
  assert.notEqual(fresh, old);
  assert.ok(published.includes(fresh));
});

test('one copy is killed: the other goes on', async () => {
  const copy = await service.startCopy();
  await copy.kill();
  assert.deepEqual(
    await Promise.all([1, 2, 3, 4].map(async () => (await send(PATH, owner)).status)),
    [200, 200, 200, 200],
  );
});

test('without the store it says "later", and goes on when it is back', async () => {
  await service.server.kill();
  const [rest, exchanged] = await Promise.all([send(PATH, owner), exchange({})]);
  assert.deepEqual([rest.status, rest.json['reason']], [503, 'STORE_UNAVAILABLE']);
  assert.deepEqual([exchanged.status, exchanged.json['error']], [503, 'temporarily_unavailable']);
  for (const { headers } of [rest, exchanged]) assert.equal(headers.get('retry-after'), '1');
  await service.server.start();
  const end = Date.now() + 20_000;
  while ((await send(PATH, owner)).status !== 200) assert.ok(Date.now() < end, 'it never came back');
});

test('nothing was the service’s own fault, so far', () => {
  assert.deepEqual(service.reports, []);
});
