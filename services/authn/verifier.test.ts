import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import fc from 'fast-check';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { TokenError } from './caller.ts';
import { INTROSPECTION_KEPT_MS } from './introspection.ts';
import { createVerifier, type VerifierOptions } from './verifier.ts';

const ISSUER = 'https://identity.test';
const PROJECT = '300000000000000001';
const ROLES = 'urn:zitadel:iam:org:project:roles';
const OWN_ROLES = `urn:zitadel:iam:org:project:${PROJECT}:roles`;
const OWNER = 'urn:zitadel:iam:user:resourceowner:id';
const seconds = () => Math.floor(Date.now() / 1000);

const pairs = {
  RS256: await generateKeyPair('RS256', { extractable: true }),
  ES256: await generateKeyPair('ES256', { extractable: true }),
  EdDSA: await generateKeyPair('EdDSA', { extractable: true }),
  ES384: await generateKeyPair('ES384', { extractable: true }),
};
type Alg = keyof typeof pairs;

const publicKeys = await Promise.all(
  Object.entries(pairs).map(async ([alg, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid: alg, alg })),
);

/** An identity provider that only answers over this Fetch; counts what it is asked. */
const createIssuer = () => {
  const state = { keys: publicKeys, away: false, asked: [] as string[], active: new Map<string, JWTPayload>() };
  const fetch = async (url: string, init?: RequestInit): Promise<Response> => {
    const { pathname } = new URL(url);
    state.asked.push(pathname);
    if (state.away) throw new TypeError('fetch failed');
    if (pathname === '/oauth/v2/keys') return Response.json({ keys: state.keys });
    if (pathname === '/oauth/v2/introspect') {
      const form = new URLSearchParams(String(init?.body));
      const found = state.active.get(form.get('token') ?? '');
      const authorization = new Headers(init?.headers).get('authorization');
      if (authorization !== `Basic ${btoa('api%3A:s%2B')}`) return Response.json({ error: 'x' }, { status: 401 });
      return Response.json(found === undefined ? { active: false } : { active: true, ...found });
    }
    return Response.json({
      issuer: ISSUER,
      jwks_uri: `${ISSUER}/oauth/v2/keys`,
      introspection_endpoint: `${ISSUER}/oauth/v2/introspect`,
    });
  };
  const verifier = (more: Partial<VerifierOptions> = {}) =>
    createVerifier({
      issuer: ISSUER,
      project: PROJECT,
      introspection: { clientId: 'api:', clientSecret: 's+' },
      fetch,
      ...more,
    });
  return { state, verifier };
};

const good: JWTPayload = {
  iss: ISSUER,
  aud: [PROJECT, 'client'],
  sub: '200000000000000009',
  [OWN_ROLES]: { operator: { '100': 'acme.test' } },
  [OWNER]: '100',
};

const sign = (changes: JWTPayload = {}, alg: Alg = 'RS256', header: { kid?: string; typ?: string } = {}) =>
  new SignJWT({ ...good, iat: seconds(), exp: seconds() + 600, ...changes })
    .setProtectedHeader({ alg, kid: alg, ...header })
    .sign(pairs[alg].privateKey);

const isTokenError = (pattern: RegExp) => (error: unknown) =>
  error instanceof TokenError && pattern.test(error.message);
const isUnavailable = (error: unknown) => error instanceof ConnectError && error.code === Code.Unavailable;

for (const alg of ['RS256', 'ES256', 'EdDSA'] as const) {
  test(`a token signed with ${alg} says who calls`, async () => {
    const caller = await createIssuer().verifier()(await sign({}, alg));
    assert.deepEqual(caller, { subject: good.sub, roles: new Set(['operator']), organisation: '100' });
  });
}

const REFUSED: readonly (readonly [string, () => Promise<string> | string, RegExp])[] = [
  ['for another project', () => sign({ aud: ['300000000000000002'] }), /not for this project/],
  ['from another issuer', () => sign({ iss: 'https://evil.test' }), /another issuer/],
  ['expired', () => sign({ exp: seconds() - 31 }), /expired/],
  ['from the future', () => sign({ iat: seconds() + 60 }), /future/],
  ['not valid yet', () => sign({ nbf: seconds() + 60 }), /nbf/],
  ['without expiry', () => sign({ exp: undefined as never }), /not valid/],
  ['without a subject', () => sign({ sub: undefined as never }), /not valid/],
  [
    'unsigned (alg none)',
    () => new UnsecuredJWT({ ...good, iat: seconds(), exp: seconds() + 60 }).encode(),
    /not valid|algorithm/,
  ],
  ['of an algorithm that is not allowed', () => sign({}, 'ES384'), /algorithm/],
  ['an ID token by its type', () => sign({}, 'RS256', { typ: 'id_token+jwt' }), /ID token/],
  ['an ID token by its nonce', () => sign({ nonce: 'n' }), /ID token/],
  ['naming a key that nobody has', () => sign({}, 'RS256', { kid: 'stranger' }), /key that its issuer does not have/],
  ['too long', () => 'a'.repeat(20_000), /too long/],
];
for (const [name, make, pattern] of REFUSED) {
  test(`a token is refused: ${name}`, async () => {
    await assert.rejects(createIssuer().verifier()(await make()), isTokenError(pattern));
  });
}

test('a public key as HMAC secret does not make a token (RFC 8725 §2.1)', async () => {
  const secret = new TextEncoder().encode(JSON.stringify(publicKeys[0]));
  const forged = await new SignJWT({ ...good, iat: seconds(), exp: seconds() + 60 })
    .setProtectedHeader({ alg: 'HS256', kid: 'RS256' })
    .sign(secret);
  await assert.rejects(createIssuer().verifier()(forged), isTokenError(/algorithm/));
});

test('clocks may differ by half a minute', async () => {
  const verify = createIssuer().verifier();
  await verify(await sign({ exp: seconds() - 20 }));
  await verify(await sign({ iat: seconds() + 20 }));
});

test('any other bytes are refused and nothing else happens', async () => {
  const verify = createIssuer().verifier({ introspection: { clientId: 'api:', clientSecret: 's+' } });
  const valid = await sign();
  const damaged = fc
    .tuple(fc.nat(valid.length - 1), fc.constantFrom('A', 'B', '.', '-', '=', ' '))
    .map(([at, char]) => {
      return valid[at] === char ? '' : valid.slice(0, at) + char + valid.slice(at + 1);
    });
  const parts = fc
    .array(fc.base64String({ maxLength: 60 }), { minLength: 3, maxLength: 3 })
    .map((all) => all.join('.'));
  const claims = fc.object({ maxDepth: 2 }).map((body) => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    return `${part({ alg: 'RS256', kid: 'RS256' })}.${part(body)}.${part('x')}`;
  });
  await fc.assert(
    fc.asyncProperty(fc.oneof(damaged, parts, claims, fc.string(), fc.string({ unit: 'binary' })), async (token) => {
      // The last character of a signature has bits that mean nothing.
      if (token.slice(0, -1) === valid.slice(0, -1)) return;
      await assert.rejects(verify(token), TokenError);
    }),
    { numRuns: 300 },
  );
});

test('claims of any shape make no caller with more than they say', async () => {
  const verify = createIssuer().verifier();
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 3 }), async (claim) => {
      const json = JSON.parse(JSON.stringify(claim)) as never;
      const { roles } = await verify(await sign({ [OWN_ROLES]: json, [ROLES]: undefined }, 'EdDSA'));
      for (const role of roles) assert.ok(typeof json === 'object' && json !== null && role in json);
    }),
    { numRuns: 60 },
  );
});

test('roles are read from both claims of Zitadel, of one organisation at a time', async () => {
  const verify = createIssuer().verifier();
  const roles = async (claims: JWTPayload) => verify(await sign({ [OWN_ROLES]: undefined, ...claims }, 'EdDSA'));
  const general = await roles({ [ROLES]: { 'tenant-admin': { '100': 'a' } } });
  assert.deepEqual(general, { subject: good.sub, roles: new Set(['tenant-admin']), organisation: '100' });
  const foreign = await roles({ [ROLES]: { operator: { '100': 'a' } }, [OWN_ROLES]: { viewer: { '100': 'a' } } });
  assert.deepEqual(foreign.roles, new Set(['viewer']), 'another project gave the role of the claim without an ID');
  const two = await roles({ [OWN_ROLES]: { 'tenant-admin': { '200': 'b' }, viewer: { '100': 'a' } }, [OWNER]: '100' });
  assert.deepEqual(two, { subject: good.sub, roles: new Set(['viewer']), organisation: '100' });
  const none = await roles({});
  assert.deepEqual(none, { subject: good.sub, roles: new Set(), organisation: '100' });
});

test('operators are only those of the operators’ organisation, when it is named', async () => {
  const verify = createIssuer().verifier({ operatorOrganisation: '1' });
  assert.deepEqual((await verify(await sign())).roles, new Set());
  const own = await verify(await sign({ [OWN_ROLES]: { operator: { '1': 'a', '100': 'b' } } }));
  assert.deepEqual(own.roles, new Set(['operator']));
});

test('keys are asked for once, again when one is new, and a flood of unknown ones asks no more', async () => {
  const { state, verifier } = createIssuer();
  state.keys = publicKeys.filter(({ kid }) => kid === 'RS256');
  const verify = verifier();
  await Promise.all([verify(await sign()), verify(await sign()), verify(await sign())]);
  for (let i = 0; i < 20; i++)
    await assert.rejects(verify(await sign({}, 'ES256', { kid: `k${i}` })), isTokenError(/does not have/));
  assert.ok(state.asked.filter((path) => path === '/oauth/v2/keys').length <= 2);
});

test('while the issuer is away known keys go on, and an unknown issuer makes the check fail, not the token', async () => {
  const { state, verifier } = createIssuer();
  const known = verifier();
  await known(await sign());
  state.away = true;
  await known(await sign());
  const fresh = verifier();
  const before = state.asked.length;
  for (let i = 0; i < 5; i++) await assert.rejects(fresh(await sign()), isUnavailable);
  assert.equal(state.asked.length - before, 1, 'it is not asked anew at every token');
  state.away = false;
});

test('an issuer that answers for another one is not believed', async () => {
  const verify = createVerifier({
    issuer: 'https://identity.test/',
    project: PROJECT,
    fetch: async () => Response.json({ issuer: ISSUER, jwks_uri: `${ISSUER}/keys` }),
  });
  await assert.rejects(verify(await sign()), isUnavailable);
});

test('an opaque token is asked about once in a while, and refused when it is revoked', async () => {
  const { state, verifier } = createIssuer();
  let now = Date.now();
  const verify = verifier({ now: () => now });
  state.active.set('pat-1', { ...good, exp: seconds() + 600 });
  assert.equal((await verify('pat-1')).subject, good.sub);
  await verify('pat-1');
  assert.equal(state.asked.filter((path) => path.endsWith('introspect')).length, 1);
  state.active.delete('pat-1');
  now += INTROSPECTION_KEPT_MS;
  await assert.rejects(verify('pat-1'), isTokenError(/not active/));
  state.active.set('pat-2', { ...good, aud: 'other' });
  await assert.rejects(verify('pat-2'), isTokenError(/not for this project/));
  state.active.set('pat-3', { ...good, exp: seconds() - 1 });
  await assert.rejects(verify('pat-3'), isTokenError(/not active/));
  await assert.rejects(verifier({ introspection: { clientId: 'api:', clientSecret: 'no' } })('pat-1'), isUnavailable);
});

test('made-up opaque tokens take bounded memory', async () => {
  const { state, verifier } = createIssuer();
  const verify = verifier();
  for (let i = 0; i < 1100; i++) await assert.rejects(verify(`made-up-${i}`), TokenError);
  await assert.rejects(verify('made-up-1099'), TokenError);
  await assert.rejects(verify('made-up-0'), TokenError);
  assert.equal(state.asked.filter((path) => path.endsWith('introspect')).length, 1101, 'the oldest was forgotten');
});
