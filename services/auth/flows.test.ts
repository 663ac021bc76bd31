import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { importPKCS8, SignJWT } from 'jose';
import * as oauth from 'openid-client';
import { API_CLIENT, builtInClient } from '#services/authn/built-in-client.ts';
import { TokenError } from '#services/authn/caller.ts';
import { createVerifier } from '#services/authn/verifier.ts';
import type { ServiceAccountKey } from './admin.ts';
import { CLI_CLIENT } from './bootstrap.ts';
import { Browser, fieldOf } from './testing/browser.ts';
import { createTestIssuer, type TestIssuer } from './testing/installation.ts';

const PASSWORD = 'correct horse battery';
const REDIRECT = 'http://127.0.0.1:49152/callback';
const SCOPE = 'openid profile email offline_access urn:zitadel:iam:org:projects:roles';
const options = { execute: [oauth.allowInsecureRequests] };

let issuer: TestIssuer;
let cli: oauth.Configuration;
let userId: string;

before(async () => {
  issuer = await createTestIssuer();
  await issuer.startCopy();
  await issuer.startCopy();
  const { organisationId: organisation } = issuer.identity.settings;
  const olga = { userName: 'Olga', displayName: 'Olga O.', email: 'olga@acme.test', organisation, roles: ['operator'] };
  userId = (await issuer.admin.createPerson(olga, PASSWORD)).id;
  cli = await oauth.discovery(new URL(issuer.url), CLI_CLIENT, undefined, oauth.None(), options);
});
after(() => issuer.close());

const verifier = async () =>
  createVerifier({
    issuer: issuer.url,
    project: issuer.identity.settings.projectId,
    introspection: await builtInClient(issuer.sealer),
  });

const authorize = async (changes: Record<string, string> = {}) => {
  const verifierText = oauth.randomPKCECodeVerifier();
  const state = oauth.randomState();
  const nonce = oauth.randomNonce();
  const url = oauth.buildAuthorizationUrl(cli, {
    redirect_uri: REDIRECT,
    scope: SCOPE,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifierText),
    code_challenge_method: 'S256',
    ...changes,
  });
  return { url, checks: { pkceCodeVerifier: verifierText, expectedState: state, expectedNonce: nonce } };
};

const signIn = async (browser = new Browser()) => {
  const { url, checks } = await authorize();
  const away = await browser.signIn(url.href, 'olga', PASSWORD);
  return { away, checks, tokens: await oauth.authorizationCodeGrant(cli, away, checks) };
};

test('discovery names the paths of Zitadel', () => {
  const metadata = cli.serverMetadata();
  const paths = Object.entries(metadata).flatMap(([name, value]) =>
    /endpoint$|^jwks_uri$/.test(name) ? [[name, new URL(String(value)).pathname]] : [],
  );
  assert.deepEqual(Object.fromEntries(paths), {
    authorization_endpoint: '/oauth/v2/authorize',
    device_authorization_endpoint: '/oauth/v2/device_authorization',
    end_session_endpoint: '/oidc/v1/end_session',
    introspection_endpoint: '/oauth/v2/introspect',
    jwks_uri: '/oauth/v2/keys',
    revocation_endpoint: '/oauth/v2/revoke',
    token_endpoint: '/oauth/v2/token',
    userinfo_endpoint: '/oidc/v1/userinfo',
  });
  assert.ok(metadata.grant_types_supported?.includes('urn:ietf:params:oauth:grant-type:jwt-bearer'));
});

test('a person signs in by code and PKCE; the access token says who it is and what it may', async () => {
  const { tokens } = await signIn();
  assert.equal(tokens.claims()?.sub, userId);
  assert.equal(tokens.expires_in, 3600);
  const caller = await (await verifier())(tokens.access_token);
  assert.deepEqual(caller, {
    subject: userId,
    roles: new Set(['operator']),
    organisation: issuer.identity.settings.organisationId,
  });
  const info = await oauth.fetchUserInfo(cli, tokens.access_token, userId);
  assert.equal(info['preferred_username'], 'Olga');
  assert.equal(info['email'], 'olga@acme.test');
});

const oauthError = (code: string) => (error: unknown) => (error as { error?: string }).error === code;
const post = (path: string, form: Readonly<{ [field: string]: string }>, headers: Record<string, string> = {}) =>
  fetch(`${issuer.url}${path}`, { method: 'POST', body: new URLSearchParams(form), headers });

test('the token endpoint takes no parameter twice (RFC 6749 §3.2)', async () => {
  const { tokens } = await signIn();
  const body = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: CLI_CLIENT,
    refresh_token: tokens.refresh_token ?? '',
  });
  const ask = () => fetch(`${issuer.url}/oauth/v2/token`, { method: 'POST', body });
  body.append('grant_type', 'refresh_token');
  const twice = await ask();
  assert.deepEqual([twice.status, ((await twice.json()) as { error: string }).error], [400, 'invalid_request']);
  body.delete('grant_type');
  body.append('grant_type', 'refresh_token');
  assert.equal((await ask()).status, 200);
});

test('a code is taken once, over both copies, and a second use ends what the first one got', async () => {
  const { url, checks } = await authorize();
  const away = await new Browser().signIn(url.href, 'olga', PASSWORD);
  const form = {
    grant_type: 'authorization_code',
    client_id: CLI_CLIENT,
    code: away.searchParams.get('code') ?? '',
    redirect_uri: REDIRECT,
    code_verifier: checks.pkceCodeVerifier,
  };
  const answers = await Promise.all(Array.from({ length: 6 }, () => post('/oauth/v2/token', form)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400, 400, 400, 400, 400]);
  const winner = answers.find(({ status }) => status === 200);
  assert.ok(winner);
  const { refresh_token: refreshToken } = (await winner.json()) as { refresh_token: string };
  await assert.rejects(oauth.refreshTokenGrant(cli, refreshToken), oauthError('invalid_grant'));
});

test('a refresh token changes with each use; an old one that comes back ends the new one too', async () => {
  const { tokens } = await signIn();
  const first = tokens.refresh_token ?? '';
  const second = (await oauth.refreshTokenGrant(cli, first)).refresh_token ?? '';
  assert.notEqual(second, first);
  const third = (await oauth.refreshTokenGrant(cli, second)).refresh_token ?? '';
  await assert.rejects(oauth.refreshTokenGrant(cli, first), oauthError('invalid_grant'));
  await assert.rejects(oauth.refreshTokenGrant(cli, third), oauthError('invalid_grant'));
});

test('a refresh token that is used many times at once is taken once', async () => {
  const { tokens } = await signIn();
  const form = { grant_type: 'refresh_token', client_id: CLI_CLIENT, refresh_token: tokens.refresh_token ?? '' };
  const answers = await Promise.all(Array.from({ length: 6 }, () => post('/oauth/v2/token', form)));
  assert.ok(answers.filter(({ status }) => status === 200).length <= 1);
});

test('a revoked refresh token gives nothing (RFC 7009)', async () => {
  const { tokens } = await signIn();
  await oauth.tokenRevocation(cli, tokens.refresh_token ?? '');
  await assert.rejects(oauth.refreshTokenGrant(cli, tokens.refresh_token ?? ''), oauthError('invalid_grant'));
});

test('code challenge is required, and only S256 (RFC 7636)', async () => {
  for (const changes of [{ code_challenge: '' }, { code_challenge_method: 'plain' }]) {
    const { url } = await authorize();
    for (const [name, value] of Object.entries(changes)) {
      if (value === '') url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    const response = await new Browser().get(url.href);
    assert.equal(new URL(response.headers.get('location') ?? '').searchParams.get('error'), 'invalid_request');
  }
  const { url, checks } = await authorize();
  const away = await new Browser().signIn(url.href, 'olga', PASSWORD);
  const other = { ...checks, pkceCodeVerifier: oauth.randomPKCECodeVerifier() };
  await assert.rejects(oauth.authorizationCodeGrant(cli, away, other), oauthError('invalid_grant'));
});

for (const uri of [
  'http://127.0.0.1:49152/callback/',
  'http://127.0.0.1:49152/callback?x=1',
  'http://127.0.0.1:49152/Callback',
  'http://127.0.0.1.evil.test/callback',
  'http://localhost:49152/callback',
  'https://127.0.0.1:49152/callback',
  'http://127.0.0.1@evil.test/callback',
]) {
  test(`no code goes to an address that is not registered exactly: ${uri}`, async () => {
    const { url } = await authorize({ redirect_uri: uri });
    const response = await new Browser().get(url.href);
    assert.equal(response.status, 400);
    assert.equal(response.headers.get('location'), null);
  });
}

test('no page may be framed or run a script (RFC 6749 §10.13)', async () => {
  const browser = new Browser();
  const signInPage = await browser.follow(await browser.get((await authorize()).url.href));
  assert.ok('page' in signInPage);
  await browser.follow(await browser.post(signInPage.url, { action: 'login', username: 'olga', password: PASSWORD }));
  const consent = await browser.follow(await browser.get((await authorize()).url.href));
  assert.ok('page' in consent);
  for (const page of [signInPage.page, consent.page, await browser.get(`${issuer.url}/device`)]) {
    assert.equal(page.status, 200);
    assert.equal(page.headers.get('x-frame-options'), 'DENY');
    const policy = page.headers.get('content-security-policy') ?? '';
    assert.match(policy, /frame-ancestors 'none'/);
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /script-src/);
  }
});

test('a program that is signed in already is asked about, not let in silently (RFC 8252 §8.6)', async () => {
  const browser = new Browser();
  await signIn(browser);
  const { url, checks } = await authorize();
  const asked = await browser.follow(await browser.get(url.href));
  assert.ok('page' in asked);
  assert.match(await asked.page.text(), /CloudBridge command line wants to act as you/);
  const allowed = await browser.follow(await browser.post(asked.url, { action: 'allow' }));
  assert.ok('away' in allowed);
  assert.ok((await oauth.authorizationCodeGrant(cli, allowed.away, checks)).access_token);
  const refusedAt = await browser.follow(await browser.get((await authorize()).url.href));
  assert.ok('page' in refusedAt);
  const refused = await browser.follow(await browser.post(refusedAt.url, { action: 'refuse' }));
  assert.ok('away' in refused);
  assert.equal(refused.away.searchParams.get('error'), 'access_denied');
});

const approveDevice = async (browser: Browser, uri: string, choice: Record<string, string>): Promise<string> => {
  const first = await (await browser.get(uri)).text();
  const fields = { xsrf: fieldOf(first, 'xsrf'), user_code: new URL(uri).searchParams.get('user_code') ?? '' };
  const confirm = await browser.post(`${issuer.url}/device`, fields);
  assert.match(await confirm.text(), /Is this your device/);
  const asked = await browser.follow(await browser.post(`${issuer.url}/device`, { ...fields, ...choice }));
  assert.ok('page' in asked);
  const text = await asked.page.text();
  if (!text.includes('name="password"')) return text;
  const form = { action: 'login', username: 'olga', password: PASSWORD };
  const done = await browser.follow(await browser.post(asked.url, form));
  assert.ok('page' in done);
  return done.page.text();
};

test('a device without a browser is let in by a person elsewhere (RFC 8628), once', async () => {
  const device = await oauth.initiateDeviceAuthorization(cli, { scope: SCOPE });
  const poll = () =>
    post('/oauth/v2/token', {
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      client_id: CLI_CLIENT,
      device_code: device.device_code,
    });
  const pending = await poll();
  assert.equal(((await pending.json()) as { error: string }).error, 'authorization_pending');
  const page = await approveDevice(new Browser(), device.verification_uri_complete ?? '', { confirm: 'yes' });
  assert.match(page, /Go back to your device/);
  const answers = await Promise.all([poll(), poll(), poll()]);
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  const winner = answers.find(({ status }) => status === 200);
  assert.ok(winner);
  const won = (await winner.json()) as { access_token: string };
  assert.equal((await (await verifier())(won.access_token)).subject, userId);
  assert.equal((await poll()).status, 400);
});

test('a refused device hears so, and its code is worth nothing more', async () => {
  const device = await oauth.initiateDeviceAuthorization(cli, { scope: SCOPE });
  await approveDevice(new Browser(), device.verification_uri_complete ?? '', { abort: 'yes' });
  await assert.rejects(
    oauth.pollDeviceAuthorizationGrant(cli, { ...device, interval: 0.01 }),
    oauthError('access_denied'),
  );
});

const assertion = async (key: ServiceAccountKey, changes: Record<string, unknown> = {}, kid = key.keyId) => {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: key.userId, sub: key.userId, aud: issuer.url, iat: now, exp: now + 300, ...changes };
  return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).sign(await importPKCS8(key.key, 'RS256'));
};
const bearer = async (jwt: string) =>
  post('/oauth/v2/token', {
    grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
    assertion: jwt,
    scope: `openid urn:zitadel:iam:org:project:id:${issuer.identity.settings.projectId}:aud`,
  });
const newService = (name: string) =>
  issuer.admin.createServiceAccount({
    userName: name,
    displayName: name,
    organisation: issuer.identity.settings.organisationId,
    roles: ['tenant-admin'],
  });

test('a service account signs in by an assertion of its key alone (RFC 7523), as at Zitadel', async () => {
  const { account, key } = await newService('robot');
  const response = await bearer(await assertion(key));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('cache-control'), 'no-store');
  const { access_token: token } = (await response.json()) as { access_token: string };
  const caller = await (await verifier())(token);
  assert.deepEqual([caller.subject, [...caller.roles]], [account.id, ['tenant-admin']]);
  const second = await issuer.admin.addServiceAccountKey(account.id);
  assert.equal((await bearer(await assertion(second))).status, 200);
  await issuer.admin.removeServiceAccountKey(account.id, key.keyId);
  assert.equal((await bearer(await assertion(key))).status, 400);
  assert.equal((await bearer(await assertion(second))).status, 200);
  await issuer.admin.disable(account.id);
  assert.equal((await bearer(await assertion(second))).status, 400);
});

test('assertions are refused: for another audience, old, of others, used before, not JWTs', async () => {
  const [{ key }, { key: other }] = await Promise.all([newService('robot-2'), newService('robot-3')]);
  const now = Math.floor(Date.now() / 1000);
  const wrong = [
    await assertion(key, { aud: 'https://elsewhere.test' }),
    await assertion(key, { iat: now - 4000, exp: now + 60 }),
    await assertion(key, { iat: now + 120 }),
    await assertion(key, { exp: now - 60 }),
    await assertion(key, { exp: now + 90_000 }),
    await assertion(key, { exp: undefined }),
    await assertion(key, { iss: other.userId, sub: other.userId }),
    await assertion(key, { sub: other.userId }),
    await assertion(key, {}, other.keyId),
    'garbage',
    '',
    'a.b.c',
  ];
  for (const jwt of wrong) {
    const response = await bearer(jwt);
    assert.equal(response.status, 400, jwt);
    assert.match(((await response.json()) as { error: string }).error, /^invalid_(grant|request)$/);
  }
  const once = await assertion(key, { jti: 'j-1' });
  const answers = await Promise.all([bearer(once), bearer(once), bearer(once)]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 400, 400]);
});

test('a service account with a secret gets tokens by client credentials, of its own roles', async () => {
  const { account } = await newService('robot-4');
  const secret = await issuer.admin.createServiceSecret(account.id);
  const client = await oauth.discovery(new URL(issuer.url), account.id, secret, undefined, options);
  const tokens = await oauth.clientCredentialsGrant(client, { scope: 'openid' });
  const caller = await (await verifier())(tokens.access_token);
  assert.deepEqual([caller.subject, [...caller.roles]], [account.id, ['tenant-admin']]);
  const wrong = await oauth.discovery(new URL(issuer.url), account.id, `${secret}x`, undefined, options);
  await assert.rejects(oauth.clientCredentialsGrant(wrong), oauthError('invalid_client'));
  const { active } = await oauth.tokenIntrospection(client, (await signIn()).tokens.access_token);
  assert.equal(active, false, 'others’ tokens are not its business');
  await issuer.admin.disable(account.id);
  await assert.rejects(oauth.clientCredentialsGrant(client), oauthError('invalid_grant'));
});

test('a personal access token is opaque and checked by introspection (RFC 7662), with the roles of today', async () => {
  const { account } = await newService('robot-5');
  const { projectId } = issuer.identity.settings;
  const pat = await issuer.admin.createPat(account.id, projectId, 3600);
  const caller = await (await verifier())(pat);
  assert.deepEqual([caller.subject, [...caller.roles]], [account.id, ['tenant-admin']]);
  await issuer.admin.setRoles(account.id, ['operator']);
  assert.deepEqual([...(await (await verifier())(pat)).roles], ['operator']);
  assert.equal(
    (await fetch(`${issuer.url}/oidc/v1/userinfo`, { headers: { authorization: `Bearer ${pat}` } })).status,
    200,
  );
  await issuer.admin.revokePat(pat);
  await assert.rejects((await verifier())(pat), TokenError);
});

test('introspection tells of JWTs too, and nothing to whoever does not show who it is', async () => {
  const { tokens } = await signIn();
  const { clientId, clientSecret } = await builtInClient(issuer.sealer);
  const basic = { authorization: `Basic ${btoa(`${clientId}:${clientSecret}`)}` };
  const ask = async (token: string, headers: Record<string, string>, more = {}) =>
    (await post('/oauth/v2/introspect', { token, ...more }, headers)).json() as Promise<Record<string, unknown>>;
  assert.equal((await ask(tokens.access_token, basic))['sub'], userId);
  assert.deepEqual(await ask(`${tokens.access_token}x`, basic), { active: false });
  assert.deepEqual(await ask('nothing', basic), { active: false });
  assert.equal((await ask(tokens.access_token, {}))['error'], 'invalid_request');
  assert.deepEqual(await ask(tokens.access_token, {}, { client_id: CLI_CLIENT }), { active: false });
  const wrong = { authorization: `Basic ${btoa(`${API_CLIENT}:wrong`)}` };
  assert.equal((await ask(tokens.access_token, wrong))['error'], 'invalid_client');
});

test('who is disabled is not refreshed', async () => {
  const { organisationId: organisation } = issuer.identity.settings;
  const boris = { userName: 'boris', displayName: 'Boris', organisation, roles: [] };
  const { id } = await issuer.admin.createPerson(boris, PASSWORD);
  const { url, checks } = await authorize();
  const browser = new Browser();
  const away = await browser.signIn(url.href, 'boris', PASSWORD);
  const tokens = await oauth.authorizationCodeGrant(cli, away, checks);
  await issuer.admin.disable(id);
  await assert.rejects(oauth.refreshTokenGrant(cli, tokens.refresh_token ?? ''), oauthError('invalid_grant'));
  // The session that is left gets nowhere either.
  const left = await browser.follow(await browser.get((await authorize()).url.href));
  assert.ok('page' in left);
  assert.match(await left.page.text(), /name="password"/);
  const again = new Browser();
  const page = await again.follow(await again.get((await authorize()).url.href));
  assert.ok('page' in page);
  assert.equal((await again.post(page.url, { action: 'login', username: 'boris', password: PASSWORD })).status, 401);
});

test('a name is taken once, in any case, and weak passwords are refused', async () => {
  const account = { displayName: 'x', organisation: issuer.identity.settings.organisationId, roles: [] };
  await assert.rejects(issuer.admin.createPerson({ ...account, userName: 'OLGA' }, PASSWORD), /already/);
  await assert.rejects(issuer.admin.createPerson({ ...account, userName: 'short' }, 'short'), /12 to 256/);
  const same = Array.from({ length: 4 }, () => issuer.admin.createPerson({ ...account, userName: 'twin' }, PASSWORD));
  const made = await Promise.allSettled(same);
  assert.equal(made.filter(({ status }) => status === 'fulfilled').length, 1);
});

test('signing out ends the session', async () => {
  const browser = new Browser();
  const { tokens } = await signIn(browser);
  const end = oauth.buildEndSessionUrl(cli, { id_token_hint: tokens.id_token ?? '' });
  const page = await (await browser.get(end.href)).text();
  const confirm = `${issuer.url}/oidc/v1/end_session/confirm`;
  await browser.follow(await browser.post(confirm, { xsrf: fieldOf(page, 'xsrf'), logout: 'yes' }));
  const asked = await browser.follow(await browser.get((await authorize()).url.href));
  assert.ok('page' in asked);
  assert.match(await asked.page.text(), /name="password"/);
});

test('nothing was the service’s own fault, so far', () => {
  assert.deepEqual(issuer.reports, []);
});
