import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CompactSign, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { POP_AUDIENCE } from '#model/claims.ts';
import { formatPrefix } from '#protocol/ip/text.ts';
import { Admission, type Denied, refusalOf } from './admission.ts';
import { Directory } from './directory.ts';

const NOW = 1_800_000_000;
const keys = await generateKeyPair('ES256', { extractable: true });
const others = await generateKeyPair('ES256', { extractable: true });

const claims = {
  iss: 'https://edge',
  aud: POP_AUDIENCE,
  sub: 'laptop',
  tenant: 'acme',
  ipv4: '10.64.0.2',
  ipv6: 'fd00::2',
  egress: true,
  jti: 'j1',
  iat: NOW - 10,
  exp: NOW + 600,
};

const sign = (change: object = {}, key = keys.privateKey, kid = 'k1'): Promise<string> =>
  new SignJWT({ ...claims, ...change }).setProtectedHeader({ alg: 'ES256', kid }).sign(key);

const world = async () => {
  const directory = new Directory();
  directory.setKeys(
    JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'ES256' }] }),
    'https://edge',
  );
  directory.isCurrent = true;
  const tenants = new Set(['acme']);
  return { directory, tenants, admission: new Admission(directory, () => NOW * 1000, tenants) };
};

const reason = async (admission: Admission, authorization: string | undefined): Promise<string> => {
  const answer = await admission.admit(authorization);
  assert.ok('status' in answer, 'denied');
  return `${answer.status} ${answer.reason}`;
};

test('a good token lets its device in with its addresses', async () => {
  const { admission } = await world();
  const answer = await admission.admit(`Bearer ${await sign()}`);
  assert.ok(!('status' in answer));
  assert.deepEqual([answer.tenant, answer.device, answer.egress], ['acme', 'laptop', true]);
  assert.deepEqual(answer.sources.map(formatPrefix), ['10.64.0.2/32', 'fd00::2/128']);
});

test('decisions are counted by their kind', async () => {
  const { admission, directory, tenants } = await world();
  const kinds: string[] = [];
  const admit = async (change: object): Promise<void> => {
    const before = { ...admission.outcomes };
    await admission.admit(`Bearer ${await sign(change)}`);
    for (const kind of Object.keys(before) as (keyof typeof before)[]) {
      if (admission.outcomes[kind] === before[kind] + 1) kinds.push(kind);
    }
  };
  assert.deepEqual(admission.outcomes, { admitted: 0, unauthorized: 0, forbidden: 0, unavailable: 0 });
  await admit({});
  await admit({ aud: 'api' });
  tenants.clear();
  await admit({});
  directory.isCurrent = false;
  await admit({});
  assert.deepEqual(kinds, ['admitted', 'unauthorized', 'forbidden', 'unavailable']);
});

test('a denial is said as a proxy says it', () => {
  assert.deepEqual(refusalOf({ status: 503, reason: 'later', retryAfterSeconds: 5 }), {
    error: 'http_request_denied',
    details: 'later',
    status: 503,
    retryAfterSeconds: 5,
  });
  assert.deepEqual(refusalOf({ status: 403, reason: 'no' }), {
    error: 'http_request_denied',
    details: 'no',
    status: 403,
  });
});

test('claims that are no JSON object in UTF-8 are refused', async () => {
  const { admission } = await world();
  const of = async (payload: Uint8Array) => {
    const token = await new CompactSign(payload).setProtectedHeader({ alg: 'ES256', kid: 'k1' }).sign(keys.privateKey);
    return reason(admission, `Bearer ${token}`);
  };
  const json = JSON.stringify({ ...claims, note: '?' });
  for (const text of ['', 'null', '[]', '7', '"x"', `${json}x`]) {
    assert.equal(await of(Buffer.from(text)), '401 the token cannot be read', text);
  }
  const broken = Buffer.from(json);
  broken[json.indexOf('?')] = 0xff;
  assert.equal(await of(broken), '401 the token cannot be read');
});

test('each way of being no good has its sentence', async () => {
  const { admission } = await world();
  const of = async (change: object) => reason(admission, `Bearer ${await sign(change)}`);
  assert.match(await of({ iss: 'https://other' }), /401 .*issuer/);
  assert.match(await of({ aud: 'api' }), /401 .*cloudbridge-pop/);
  assert.match(await of({ exp: NOW - 100 }), /401 .*expired at .*Z by this worker's clock/);
  assert.match(await of({ iat: NOW + 100 }), /401 .*was issued at .*Z and it is .*Z by this worker's clock/);
  assert.match(await of({ ipv4: '10.64.0' }), /401 .*addresses/);
  assert.match(await of({ ipv6: '10.64.0.2' }), /401 .*addresses/);
  assert.match(await reason(admission, `Bearer ${await sign({}, others.privateKey)}`), /401 .*signature/);
  assert.match(await reason(admission, `Bearer ${await sign({}, keys.privateKey, 'k2')}`), /401 .*not known/);
  assert.match(await reason(admission, undefined), /401 .*bearer/);
  assert.match(await reason(admission, 'Basic abc'), /401 .*bearer/);
  assert.match(await reason(admission, `Bearer ${'a'.repeat(9000)}`), /401 .*bearer/);
  const none = [{ alg: 'none' }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  assert.match(await reason(admission, `Bearer ${none.join('.')}.`), /401/);
});

test('revocation of token, device or tenant holds at once, and ends with its list', async () => {
  const { admission, directory } = await world();
  const authorization = `Bearer ${await sign()}`;
  for (const revocation of [
    { tenant: 'acme' },
    { tenant: 'acme', device: 'laptop' },
    { tenant: 'acme', tokenId: 'j1' },
  ]) {
    directory.revoke(revocation);
    assert.match(await reason(admission, authorization), /403 .*revoked/);
    directory.replaceRevocations([
      { tenant: 'other' },
      { tenant: 'acme', device: 'j1' },
      { tenant: 'acme', tokenId: 'laptop' },
    ]);
    assert.ok(!('status' in (await admission.admit(authorization))));
  }
});

test('without keys nobody is let in, and new keys count at once', async () => {
  const { directory, tenants } = await world();
  const empty = new Directory();
  empty.isCurrent = true;
  const admission = new Admission(empty, () => NOW * 1000, tenants);
  const authorization = `Bearer ${await sign()}`;
  assert.match(await reason(admission, authorization), /503/);
  empty.setKeys(directory.jwks as string, 'https://edge');
  assert.ok(!('status' in (await admission.admit(authorization))));
  empty.setKeys(JSON.stringify({ keys: [] }), 'https://edge');
  assert.match(await reason(admission, authorization), /401/);
});

test('what is not known is refused for good only while all there is is known', async () => {
  const { admission, directory, tenants } = await world();
  const denials = async (): Promise<(Denied | undefined)[]> => {
    const tokens = [await sign(), await sign({}, keys.privateKey, 'newer'), await sign({ iss: 'https://other' })];
    const answers = await Promise.all(tokens.map((token) => admission.admit(`Bearer ${token}`)));
    return answers.map((answer) => ('status' in answer ? answer : undefined));
  };
  tenants.clear();
  assert.deepEqual(
    (await denials()).map((denial) => denial?.status),
    [403, 401, 401],
  );
  directory.isCurrent = false;
  const [tenant, key, issuer] = await denials();
  assert.deepEqual(tenant, {
    status: 503,
    reason: 'the tenant is not known here, and this worker is not up to date with its control plane',
    retryAfterSeconds: 5,
  });
  assert.deepEqual([key?.status, key?.retryAfterSeconds], [503, 5]);
  assert.deepEqual([issuer?.status, issuer?.retryAfterSeconds], [401, undefined], 'no control plane makes that right');
  tenants.add('acme');
  assert.equal((await denials())[0], undefined, 'who is known is let in');
  directory.revoke({ tenant: 'acme' });
  assert.equal((await denials())[0]?.status, 403, 'who is known to be revoked is refused');
});

test('any header is denied with a sentence, never thrown over', async () => {
  const { admission } = await world();
  const token = await sign();
  const mutated = fc
    .tuple(fc.nat(token.length - 1), fc.constantFrom('A', '.', '=', '_'))
    .map(([at, to]) => `Bearer ${token.slice(0, at)}${to}${token.slice(at + 1)}`);
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `Bearer ${text}`),
        mutated,
      ),
      async (header) => {
        if (header === `Bearer ${token}`) return;
        const answer = (await admission.admit(header)) as Denied;
        // A change of the last character's unused bits is the same signature.
        if (answer.status === undefined) assert.equal(header.slice(0, -1), `Bearer ${token}`.slice(0, -1));
        else assert.ok(answer.reason.length > 5);
      },
    ),
    { numRuns: 200 },
  );
});
