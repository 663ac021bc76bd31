import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { PERMISSIONS } from '#services/authn/permissions.ts';
import { CONFIG_SERVICES } from './app.ts';
import { apiSuite } from './testing/api-suite.ts';
import { createClient } from './testing/client.ts';
import { type Copy, createTestInstallation, type TestInstallation } from './testing/installation.ts';

let installation: TestInstallation;
let copy: Copy;

before(async () => {
  installation = await createTestInstallation();
  copy = await installation.startCopy();
});
after(() => installation?.close());

const suite = apiSuite({
  fetch: (request) => copy.app.fetch(request),
  token: (role, organisation) =>
    installation.tokens.sign({ subject: role, roles: [role], ...(organisation !== undefined && { organisation }) }),
  organisations: ['org-1', 'org-2'],
  prefix: '',
});
for (const { name, run } of suite) test(name, run);

test('who is of no organisation, or forges tokens, sees nothing', async () => {
  const { tokens } = installation;
  await copy.send('POST', '/v1/tenants', { id: 'nobodys' });
  const homeless = createClient(copy.app.fetch, await tokens.sign({ subject: 'hal', roles: ['tenant-admin'] }));
  const { status, json } = await homeless('GET', '/v1/tenants/nobodys');
  assert.deepEqual([status, json.reason], [404, 'TENANT_NOT_FOUND']);
  const forged = await createClient(copy.app.fetch, await tokens.forge())('GET', '/v1/tenants');
  assert.deepEqual([forged.status, forged.json.reason], [401, 'TOKEN_INVALID']);
});

test('every RPC has a row in the table of permissions', () => {
  for (const service of CONFIG_SERVICES) {
    for (const method of service.methods) assert.ok(PERMISSIONS.has(`${service.name}/${method.name}`), method.name);
  }
});

test('nothing of this was the service’s own fault', () => assert.deepEqual(installation.reports, []));
