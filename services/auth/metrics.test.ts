import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '@nats-io/transport-node';
import { listenAdmin } from '#services/api/admin.ts';
import { watchMetrics } from '#services/api/testing/watched-metrics.ts';
import { builtInClient } from '#services/authn/built-in-client.ts';
import { AuthApp } from './app.ts';
import { CLI_CLIENT, ensureIdentity } from './bootstrap.ts';
import { listenAuth } from './node.ts';
import { LOGIN_PATH, ROUTE_NAMES, ROUTES } from './routes.ts';
import { Browser } from './testing/browser.ts';
import { createTestIssuer } from './testing/installation.ts';

const PASSWORD = 'correct horse battery';
const CHALLENGE = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const REDIRECT = 'http://127.0.0.1:4000/callback';
const DISCOVERY = '/.well-known/openid-configuration';
/** One of each route. */
const PATHS = [...Object.values(ROUTES), DISCOVERY, `${LOGIN_PATH}nobody`];

const start = async () => {
  const issuer = await createTestIssuer();
  const nats = await connect({ servers: issuer.server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50 });
  const identity = await ensureIdentity(nats, issuer.sealer);
  const app = new AuthApp({ identity, issuer: issuer.url, report: (error) => issuer.reports.push(error) });
  const local = { host: '127.0.0.1', port: 0 };
  const listener = await listenAuth(app, local);
  const { meter } = app;
  const admin = await listenAdmin({ ...local, service: 'auth', nats, meter, isStopping: () => false });
  issuer.balancer.add(listener.port);
  return {
    issuer,
    metrics: watchMetrics(admin.port),
    close: async () => {
      await listener.close(0);
      await admin.close(0);
      await nats.close();
      await issuer.close();
    },
  };
};

test('every series is moved by what callers do and by what fails', async (t) => {
  const { issuer, metrics, close } = await start();
  t.after(close);
  assert.equal(PATHS.length, ROUTE_NAMES.length);
  const { organisationId: organisation } = issuer.identity.settings;
  await issuer.admin.createPerson({ userName: 'olga', displayName: 'O', organisation, roles: [] }, PASSWORD);
  const ask = async (method: string, path: string): Promise<number> =>
    (await fetch(`${issuer.url}${path}`, { method, redirect: 'manual' })).status;

  // Without its keys, which it reads at its first request, it can do nothing.
  await issuer.server.kill();
  const failing = Promise.all(PATHS.map((path) => ask('GET', path)));
  await new Promise((resolve) => setTimeout(resolve, 100));
  await metrics.read();
  assert.deepEqual([...new Set(await failing)], [503]);
  await issuer.server.start();
  while ((await ask('GET', ROUTES.jwks)) === 503) await new Promise((resolve) => setTimeout(resolve, 50));
  for (const path of PATHS) {
    // It shows whoever has no session where to begin, whatever was asked.
    if (path !== ROUTES.code_verification) assert.match(String(await ask('PUT', path)), /^4/, path);
  }
  assert.equal(await ask('GET', '/nothing'), 404);

  const post = async (path: string, form: Readonly<Record<string, string>>, authorization = '') => {
    const headers = authorization === '' ? {} : { authorization };
    const response = await fetch(`${issuer.url}${path}`, { method: 'POST', headers, body: new URLSearchParams(form) });
    assert.equal(response.status, 200, path);
    return response;
  };
  const query = new URLSearchParams({
    client_id: CLI_CLIENT,
    response_type: 'code',
    redirect_uri: REDIRECT,
    scope: 'openid offline_access',
    state: 's',
    code_challenge: CHALLENGE,
    code_challenge_method: 'S256',
  });
  const authorizing = `${issuer.url}${ROUTES.authorization}?${query}`;
  const code = (await new Browser().signIn(authorizing, 'olga', PASSWORD)).searchParams.get('code') ?? '';
  const own = { client_id: CLI_CLIENT };
  const redeeming = { ...own, grant_type: 'authorization_code', code, redirect_uri: REDIRECT, code_verifier: VERIFIER };
  const got = (await (await post(ROUTES.token, redeeming)).json()) as Record<'access_token' | 'refresh_token', string>;
  const { clientId, clientSecret } = await builtInClient(issuer.sealer);
  const basic = `Basic ${btoa(`${clientId}:${clientSecret}`)}`;
  await post(ROUTES.introspection, { token: got.access_token }, basic);
  await post(ROUTES.userinfo, {}, `Bearer ${got.access_token}`);
  await post(ROUTES.revocation, { ...own, token: got.refresh_token });
  await post(ROUTES.device_authorization, { ...own, scope: 'openid' });
  for (const path of [ROUTES.jwks, ROUTES.code_verification, ROUTES.end_session, DISCOVERY])
    assert.equal(await ask('GET', path), 200, path);
  // More than may try a code, all counted in one record.
  const tries = await Promise.all(Array.from({ length: 40 }, () => ask('POST', ROUTES.code_verification)));
  assert.ok(tries.includes(429));

  const samples = await metrics.read();
  const tokens = (outcome: string) => samples.get(`cloudbridge_api_requests_total{route="token",outcome="${outcome}"}`);
  assert.deepEqual([tokens('ok'), tokens('client_error'), tokens('server_error')], [1, 1, 1]);
  assert.equal(samples.get('cloudbridge_api_running_requests_count'), 0);
  assert.deepEqual(metrics.unmoved(), []);
  assert.deepEqual(issuer.reports, []);
});
