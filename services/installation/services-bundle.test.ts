import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readServicesConfig } from '#services/process/config.ts';
import { createInstallation } from './create.ts';

const WORKER_ADMIN = '127.0.0.1:9464';

test('the services of a new installation, all on one machine beside a worker, each have an admin address of their own', async (t) => {
  const parent = await mkdtemp(join(tmpdir(), 'cloudbridge-bundle-'));
  t.after(() => rm(parent, { recursive: true, force: true }));
  const { servicesConfig } = await createInstallation({ folder: join(parent, 'cb'), natsHosts: ['192.0.2.10'] });
  const { auth, token, config } = readServicesConfig(servicesConfig);
  const admins = [auth.admin, token?.admin, config?.admin];
  for (const admin of admins) assert.match(String(admin), /^127\.0\.0\.1:\d+$/);
  const all = [...admins, auth.listen, token?.listen, config?.listen, WORKER_ADMIN];
  assert.equal(new Set(all).size, all.length);
});
