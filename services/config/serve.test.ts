import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '@nats-io/transport-node';
import { generateRevisionKey } from './revision-key.ts';
import { serveConfig } from './serve.ts';
import { eventually } from './testing/client.ts';
import { createTestInstallation } from './testing/installation.ts';

test('a copy as a process runs it: ready, serving, publishing, ending', async () => {
  const installation = await createTestInstallation();
  const nats = await connect({ servers: installation.server.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
  const local = { host: '127.0.0.1', port: 0 };
  const serving = await serveConfig({
    nats,
    verify: installation.tokens.verify,
    authorization: { issuer: 'https://identity.test', project: '3', tokenService: 'https://edge.test' },
    listen: local,
    admin: local,
    revisionKey: JSON.stringify(await generateRevisionKey()),
    tokenIssuer: 'https://edge.test',
    report: (error) => installation.reports.push(error),
  });
  try {
    const admin = async (path: string): Promise<number> =>
      (await fetch(`http://127.0.0.1:${serving.adminPort}${path}`)).status;
    assert.deepEqual([await admin('/healthz'), await admin('/readyz'), await admin('/v1/tenants')], [200, 200, 404]);
    const headers = { authorization: `Bearer ${installation.operator}` };
    const revision = `http://127.0.0.1:${serving.port}/v1/revisions/1`;
    await eventually(
      async () => ((await fetch(revision, { headers })).status === 200 ? true : undefined),
      'the first revision',
    );
    const described = `http://127.0.0.1:${serving.port}/.well-known/oauth-protected-resource`;
    assert.deepEqual(await (await fetch(described)).json(), {
      resource: `http://127.0.0.1:${serving.port}`,
      authorization_servers: ['https://identity.test'],
      scopes_supported: ['openid', 'urn:zitadel:iam:org:projects:roles', 'urn:zitadel:iam:org:project:id:3:aud'],
      bearer_methods_supported: ['header'],
      cloudbridge_project: '3',
      cloudbridge_token_service: 'https://edge.test',
    });
    assert.deepEqual(installation.reports, []);
    await installation.server.kill();
    assert.deepEqual([await admin('/healthz'), await admin('/readyz')], [200, 503]);
    await installation.server.start();
    await eventually(async () => ((await admin('/readyz')) === 200 ? true : undefined), 'it is ready again');
  } finally {
    await serving.close(1000);
    await nats.close();
    await installation.close();
  }
});
