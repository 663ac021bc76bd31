import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { POP_AUDIENCE } from '#model/claims.ts';
import { CLI_CLIENT } from '#services/auth/bootstrap.ts';
import { Browser, fieldOf } from '#services/auth/testing/browser.ts';
import { createTestIssuer, type TestIssuer } from '#services/auth/testing/installation.ts';
import { builtInClient } from '#services/authn/built-in-client.ts';
import { createVerifier } from '#services/authn/verifier.ts';
import { createTestTokenService, type TestTokenService } from '#services/token/testing/installation.ts';
import {
  type Granted,
  OAuthFailure,
  type OAuthSettings,
  Renewing,
  refreshedTokens,
  refreshGrant,
  serviceAccountTokens,
} from './oauth.ts';
import { browserLogin, type DevicePrompt, deviceLogin } from './oauth-login.ts';
import { popTokens } from './pop-tokens.ts';

const PASSWORD = 'correct horse battery';

let issuer: TestIssuer;
let service: TestTokenService;
let settings: OAuthSettings;
let userId: string;

before(async () => {
  issuer = await createTestIssuer();
  await Promise.all([issuer.startCopy(), issuer.startCopy()]);
  const { projectId: project, organisationId: organisation } = issuer.identity.settings;
  settings = { issuer: issuer.url, project, clientId: CLI_CLIENT, allowHttp: true };
  const introspection = await builtInClient(issuer.sealer);
  service = await createTestTokenService(createVerifier({ issuer: issuer.url, project, introspection }));
  await Promise.all([service.startCopy(), service.startCopy()]);
  const olga = { userName: 'olga', displayName: 'Olga', organisation, roles: [] };
  userId = (await issuer.admin.createPerson(olga, PASSWORD)).id;
  await service.putDevice({ id: 'laptop', owner: userId });
});
after(async () => {
  await service.close();
  await issuer.close();
});

const isFailure = (temporary: boolean, pattern: RegExp) => (error: unknown) =>
  error instanceof OAuthFailure && error.temporary === temporary && pattern.test(error.message);
const device = (id: string) => ({ tokenService: service.url, tenant: 'acme', device: id, allowHttp: true });

/** Checked as a worker does. */
const popClaims = async (token: string) => {
  const keys = createRemoteJWKSet(new URL(`${service.url}/.well-known/jwks.json`));
  return (await jwtVerify(token, keys, { issuer: service.url, audience: POP_AUDIENCE })).payload;
};

/** What the person's browser does with the page that it is shown. */
const signInAt = async (url: string): Promise<void> => {
  const away = await new Browser().signIn(url, 'olga', PASSWORD);
  assert.equal((await fetch(away)).status, 200);
};

test('a service account comes from its key file to a token that the edge takes, over services that run twice', async () => {
  const { organisationId: organisation } = issuer.identity.settings;
  const robot = { userName: 'robot', displayName: 'Robot', organisation, roles: [] };
  const { account, key } = await issuer.admin.createServiceAccount(robot);
  await service.putDevice({ id: 'sensor', owner: account.id });
  const access = serviceAccountTokens(settings, key);
  const tokens = popTokens(device('sensor'), access);
  const claims = await popClaims(await tokens.token());
  assert.deepEqual([claims.sub, claims['tenant']], ['sensor', 'acme']);
  assert.equal(await tokens.token(), await tokens.token(), 'one is kept while it is good');
  const first = await tokens.token();
  assert.notEqual(await tokens.token(first), first, 'a refused one is not given again');
  await assert.rejects(
    popTokens(device('laptop'), access).token(),
    isFailure(false, /does not exist, or is not yours/),
  );
});

test('a person signs in by the browser and goes on by refresh tokens, each kept before the next', async () => {
  const opened = Promise.withResolvers<string>();
  const login = browserLogin(settings, opened.resolve);
  const url = await opened.promise;
  // Somebody on the same machine who does not know the state disturbs nothing.
  const redirect = new URL(url).searchParams.get('redirect_uri') ?? '';
  assert.equal((await fetch(`${redirect}?code=x&state=guessed`)).status, 404);
  await signInAt(url);
  const granted = await login;
  assert.equal(decodeJwt(granted.accessToken).sub, userId);
  const saved: string[] = [];
  const save = async (refreshToken: string): Promise<void> => void saved.push(refreshToken);
  const tokens = refreshedTokens(settings, granted, save);
  assert.equal(await tokens.accessToken(), granted.accessToken, 'it is good for a while yet');
  const later = refreshedTokens(settings, { refreshToken: granted.refreshToken ?? '' }, save);
  const pop = popTokens(device('laptop'), later);
  const both = await Promise.all([pop.token(), later.accessToken()]);
  assert.equal((await popClaims(both[0])).sub, 'laptop');
  assert.equal(saved.length, 1, 'who waits at the same time gets the same one');
  const stolen = refreshedTokens(settings, { refreshToken: granted.refreshToken ?? '' }, save);
  await assert.rejects(stolen.accessToken(), isFailure(false, /sign in again/));
});

test('a person without a browser here lets this device in from elsewhere', async () => {
  const shown = Promise.withResolvers<DevicePrompt>();
  const login = deviceLogin(settings, shown.resolve);
  const { userCode, urlWithCode = '' } = await shown.promise;
  const browser = new Browser();
  const xsrf = fieldOf(await (await browser.get(urlWithCode)).text(), 'xsrf');
  const confirmed = await browser.post(`${issuer.url}/device`, { xsrf, user_code: userCode, confirm: 'yes' });
  const asked = await browser.follow(confirmed);
  assert.ok('page' in asked);
  await browser.follow(await browser.post(asked.url, { action: 'login', username: 'olga', password: PASSWORD }));
  const granted = await login;
  assert.equal(decodeJwt(granted.accessToken).sub, userId);
  assert.ok(granted.refreshToken);
});

test('a sign-in can be given up', async () => {
  const abort = new AbortController();
  const login = browserLogin(settings, () => abort.abort(), abort.signal);
  await assert.rejects(login, isFailure(false, /given up/));
  const elsewhere = new AbortController();
  await assert.rejects(
    deviceLogin(settings, () => elsewhere.abort(), elsewhere.signal),
    isFailure(false, /given up/),
  );
});

test('a personal access token is exchanged too, and nothing once it is revoked', async () => {
  const pat = await issuer.admin.createPat(userId, settings.project, 600);
  const claims = await popClaims(await popTokens(device('laptop'), { accessToken: async () => pat }).token());
  assert.equal(claims.sub, 'laptop');
  const other = await issuer.admin.createPat(userId, settings.project, 600);
  await issuer.admin.revokePat(other);
  const revoked = popTokens(device('laptop'), { accessToken: async () => other });
  await assert.rejects(revoked.token(), isFailure(false, /not active/));
});

test('a wrong or unreachable issuer is told, with whether it is worth another try', async () => {
  const key = { keyId: '1', key: '', userId: '2' };
  const nobody = serviceAccountTokens({ ...settings, issuer: 'http://127.0.0.1:9' }, key);
  await assert.rejects(nobody.accessToken(), isFailure(true, /asking http:\/\/127.0.0.1:9/));
  const plain = serviceAccountTokens({ ...settings, allowHttp: false }, key);
  await assert.rejects(plain.accessToken(), isFailure(false, /only requests to HTTPS are allowed/));
});

test('an issuer that answers nothing, or nothing good, may answer later', async () => {
  let answer = async (): Promise<Response> => new Response('<h1>Bad Gateway</h1>', { status: 502 });
  const issuerAway: OAuthSettings = { ...settings, fetch: () => answer() };
  await assert.rejects(refreshGrant(issuerAway, 'r'), isFailure(true, /asking .* failed: unexpected HTTP response/));
  answer = async () => {
    throw new DOMException('the operation was aborted', 'TimeoutError');
  };
  await assert.rejects(refreshGrant(issuerAway, 'r'), isFailure(true, /asking .* failed: no answer within 10 s/));
});

test('a token is renewed before it ends, once for all; when that fails for a moment the old one goes on', async () => {
  let now = 0;
  let count = 0;
  let failure: OAuthFailure | undefined;
  const grant = async (): Promise<Granted> => {
    if (failure !== undefined) throw failure;
    return { accessToken: `t${++count}`, lifetimeMs: 1000, expiresAtMs: now + 1000 };
  };
  const renewing = new Renewing(grant, undefined, () => now);
  assert.deepEqual(await Promise.all([renewing.get(), renewing.get()]), ['t1', 't1']);
  now = 799;
  assert.equal(await renewing.get(), 't1');
  now = 800;
  failure = new OAuthFailure('away', true);
  assert.equal(await renewing.get(), 't1', 'still good');
  await assert.rejects(renewing.get('t1'), OAuthFailure, 'but not when it was refused');
  failure = new OAuthFailure('ended', false);
  await assert.rejects(renewing.get(), OAuthFailure);
  failure = undefined;
  assert.equal(await renewing.get(), 't2');
  assert.equal(await renewing.get('t2'), 't3');
  now = 5000;
  failure = new OAuthFailure('away', true);
  await assert.rejects(renewing.get(), OAuthFailure, 'it has ended');
});
