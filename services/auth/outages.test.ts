import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { decodeProtectedHeader, importPKCS8, SignJWT } from 'jose';
import { createVerifier } from '#services/authn/verifier.ts';
import { readSigningKeys } from '#services/store/signing-keys.ts';
import type { ServiceAccountKey } from './admin.ts';
import { AuthApp } from './app.ts';
import { CLI_CLIENT, ensureIdentity, ISSUER_KEYS, rotateIssuerKeys } from './bootstrap.ts';
import { listenAuth } from './node.ts';
import { Browser } from './testing/browser.ts';
import { type AuthCopy, createTestIssuer, type TestIssuer } from './testing/installation.ts';

const PASSWORD = 'correct horse battery';
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const REDIRECT = 'http://127.0.0.1:4000/callback';

let issuer: TestIssuer;
let first: AuthCopy;
const written: string[] = [];
const originals = {
  out: process.stdout.write,
  log: console.log,
  error: console.error,
  warn: console.warn,
  info: console.info,
};

before(async () => {
  issuer = await createTestIssuer();
  first = await issuer.startCopy();
  await issuer.startCopy();
  const { organisationId: organisation } = issuer.identity.settings;
  for (const userName of ['olga', 'boris', 'vera'])
    await issuer.admin.createPerson({ userName, displayName: userName, organisation, roles: [] }, PASSWORD);
  for (const name of ['log', 'error', 'warn', 'info'] as const)
    console[name] = (...parts: unknown[]) => written.push(parts.map(String).join(' '));
});
after(async () => {
  Object.assign(console, { log: originals.log, error: originals.error, warn: originals.warn, info: originals.info });
  await issuer.close();
});

const authorizeUrl = (): string => {
  const query = new URLSearchParams({
    client_id: CLI_CLIENT,
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: 'openid offline_access',
    state: 's',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
  });
  return `${issuer.url}/oauth/v2/authorize?${query}`;
};
const redeem = (code: string, base = issuer.url) =>
  fetch(`${base}/oauth/v2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: CLI_CLIENT,
      redirect_uri: REDIRECT,
      code,
      code_verifier: VERIFIER,
    }),
  });

test('a sign-in goes on at the other copy when one is killed in the middle', async () => {
  const browser = new Browser();
  const asked = await browser.follow(await browser.get(authorizeUrl()));
  assert.ok('page' in asked);
  await first.kill();
  const form = { action: 'login', username: 'olga', password: PASSWORD };
  const done = await browser.follow(await browser.post(asked.url, form));
  assert.ok('away' in done);
  first = await issuer.startCopy();
  assert.equal((await redeem(done.away.searchParams.get('code') ?? '', first.url)).status, 200);
});

test('guesses at a password are limited over both copies, also many at once, and others are not locked out', async () => {
  const browser = new Browser();
  const asked = await browser.follow(await browser.get(authorizeUrl()));
  assert.ok('page' in asked);
  const guess = (username: string, password: string) =>
    browser.post(asked.url, { action: 'login', username, password });
  const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => guess('boris', `guess ${i}`)));
  const statuses = answers.map(({ status }) => status).sort();
  assert.deepEqual(statuses, [...Array(5).fill(401), ...Array(7).fill(429)]);
  const right = await guess('boris', PASSWORD);
  assert.equal(right.status, 429, 'the right one does not get through either');
  assert.ok(Number(right.headers.get('retry-after')) > 200);
  assert.equal((await guess('vera', PASSWORD)).status, 303);
});

test('user codes cannot be tried in numbers (RFC 8628 §5.1)', async () => {
  const tries = await Promise.all(
    Array.from({ length: 40 }, () => new Browser().post(`${issuer.url}/device`, { user_code: 'BBBB-BBBB', xsrf: 'x' })),
  );
  assert.equal(tries.filter(({ status }) => status === 429).length, 10);
});

test('behind a proxy, what a client writes into X-Forwarded-For does not hide where it is', async (t) => {
  const report = (error: unknown): void => void issuer.reports.push(error);
  const app = new AuthApp({ identity: issuer.identity, issuer: issuer.url, report, behindProxy: true });
  const listener = await listenAuth(app, { host: '127.0.0.1', port: 0 });
  t.after(() => listener.close(0));
  const attempt = async (i: number): Promise<number> => {
    const headers = { 'x-forwarded-for': `198.51.100.${i}, 203.0.113.9` };
    const body = new URLSearchParams({ user_code: 'CCCC-CCCC' });
    const init = { method: 'POST', headers, body, redirect: 'manual' } as const;
    return (await fetch(`http://127.0.0.1:${listener.port}/device`, init)).status;
  };
  const statuses = await Promise.all(Array.from({ length: 40 }, (_, i) => attempt(i)));
  assert.deepEqual(statuses.sort(), [...Array(30).fill(303), ...Array(10).fill(429)]);
  assert.deepEqual(issuer.reports, []);
});

test('a page of one sign-in cannot be used for another', async () => {
  const [own, other] = [new Browser(), new Browser()];
  const asked = await own.follow(await own.get(authorizeUrl()));
  assert.ok('page' in asked);
  const stolen = await other.post(asked.url, { action: 'login', username: 'vera', password: PASSWORD });
  assert.equal(stolen.status, 400);
});

const serviceToken = async (key: ServiceAccountKey, base = issuer.url) => {
  const jwt = await new SignJWT({})
    .setProtectedHeader({ alg: 'RS256', kid: key.keyId })
    .setIssuer(key.userId)
    .setSubject(key.userId)
    .setAudience(issuer.url)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(await importPKCS8(key.key, 'RS256'));
  const grant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
  const body = new URLSearchParams({ grant_type: grant, assertion: jwt });
  return fetch(`${base}/oauth/v2/token`, { method: 'POST', body });
};

test('a key rotation reaches running copies: published first, then signing; tokens of both keys are valid', async (t) => {
  const { organisationId: organisation, projectId: project } = issuer.identity.settings;
  const robot = { userName: 'robot', displayName: 'robot', organisation, roles: ['operator'] };
  const { key } = await issuer.admin.createServiceAccount(robot);
  // A copy with a clock of its own.
  let now = Date.now() / 1000;
  const report = (error: unknown): void => void issuer.reports.push(error);
  const app = new AuthApp({ identity: issuer.identity, issuer: issuer.url, report, now: () => now });
  const listener = await listenAuth(app, { host: '127.0.0.1', port: 0 });
  t.after(() => listener.close(0));
  const base = `http://127.0.0.1:${listener.port}`;
  const look = async () => {
    const { access_token: token } = (await (await serviceToken(key, base)).json()) as { access_token: string };
    const { keys } = (await (await fetch(`${base}/oauth/v2/keys`)).json()) as { keys: unknown[] };
    return { token, kid: decodeProtectedHeader(token).kid, published: keys.length };
  };
  const before = await look();
  const from = await rotateIssuerKeys(issuer.identity);
  now += 6;
  const during = await look();
  now = from + 6;
  const later = await look();
  assert.deepEqual([before.published, during.published, later.published], [2, 4, 4]);
  assert.equal(during.kid, before.kid);
  assert.notEqual(later.kid, before.kid);
  const here = (url: string, init?: RequestInit) => fetch(url.replace(issuer.url, base), init);
  const verify = createVerifier({ issuer: issuer.url, project, fetch: here });
  for (const { token } of [before, during, later]) assert.equal((await verify(token)).subject, key.userId);
});

test('many that start at once agree on one project and one set of keys', async () => {
  const all = await Promise.all(Array.from({ length: 5 }, () => ensureIdentity(issuer.nats, issuer.sealer)));
  assert.equal(new Set(all.map(({ settings }) => settings.projectId)).size, 1);
});

test('without the store the issuer says later, and goes on when it is back', async () => {
  const { organisationId: organisation } = issuer.identity.settings;
  const { key } = await issuer.admin.createServiceAccount({
    userName: 'r2',
    displayName: 'r2',
    organisation,
    roles: [],
  });
  assert.equal((await serviceToken(key)).status, 200);
  await issuer.server.kill();
  const away = await Promise.all([serviceToken(key), redeem('no-such-code'), new Browser().get(authorizeUrl())]);
  for (const response of away) {
    assert.equal(response.headers.get('retry-after'), '1');
    assert.equal(response.status, 503);
    assert.match(await response.text(), /temporarily_unavailable/);
  }
  assert.equal((await fetch(`${issuer.url}/oauth/v2/keys`)).status, 200, 'keys do not need it');
  await issuer.server.start();
  const end = Date.now() + 20_000;
  while ((await serviceToken(key)).status !== 200) assert.ok(Date.now() < end, 'it never came back');
  // The test's own connection comes back at a time of its own.
  const { store } = issuer.identity.records;
  while (!(await store.last(ISSUER_KEYS.key).then(Boolean, () => false))) assert.ok(Date.now() < end, 'nor did this');
});

test('neither the store nor what was written anywhere tells a secret', async () => {
  const { store, sealer } = issuer.identity.records;
  const secrets = (await readSigningKeys(store, ISSUER_KEYS, sealer)).map(({ privateJwk }) => String(privateJwk.d));
  secrets.push(PASSWORD, await sealer.secretFor('client cloudbridge-api'), VERIFIER);
  const manager = await jetstreamManager(issuer.nats);
  const messages: string[] = [];
  const { state } = await manager.streams.info('KV_cb_auth');
  for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
    const message = await manager.streams.getMessage('KV_cb_auth', { seq }).catch(() => null);
    if (message !== null) messages.push(message.subject, Buffer.from(message.data).toString('latin1'));
  }
  assert.ok(messages.length > 50);
  const text = [...messages, ...written, ...issuer.reports.map((report) => String((report as Error).stack))].join('\n');
  for (const secret of secrets) assert.ok(!text.includes(secret), 'a secret can be read');
  assert.doesNotMatch(messages.join('\n'), /olga|boris/);
});
