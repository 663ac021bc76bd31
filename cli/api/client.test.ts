import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { TenantService } from '#proto/gen/cloudbridge/v1/tenant_pb.ts';
import { type Listener, listen } from '#services/api/node.ts';
import { createTestInstallation, type TestInstallation } from '#services/config/testing/installation.ts';
import { certificateOfAnotherTime } from '#services/installation/testing/certificate-of-another-time.ts';
import { CommandError } from '../failure.ts';
import { withApi } from './client.ts';

let installation: TestInstallation;
let listener: Listener;
let folder: string;
let server: string;

before(async () => {
  installation = await createTestInstallation();
  const { app } = await installation.startCopy();
  listener = await listen(app, { host: '127.0.0.1', port: 0 });
  server = `http://127.0.0.1:${listener.port}`;
  folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-cli-'));
  process.env['CBR_CONFIG'] = folder;
  process.env['CBR_TOKEN'] = installation.operator;
});
after(async () => {
  await listener.close(0);
  await installation.close();
  rmSync(folder, { recursive: true, force: true });
});

/** In front of the API: loses answers after it has given them, as a network may. */
const startLossy = async (losses: number): Promise<{ readonly url: string; close(): void }> => {
  let left = losses;
  const proxy = http.createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const onward = http.request(`${server}${url}`, { method, headers }, (answer) => {
      if (left-- > 0) {
        answer.resume();
        answer.on('end', () => outgoing.destroy());
        return;
      }
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    close: () => {
      proxy.close();
      proxy.closeAllConnections();
    },
  };
};

test('an answer that was lost is asked for again, and what it was about is done once', async () => {
  const lossy = await startLossy(2);
  try {
    const create = (id: string) =>
      withApi({ server: lossy.url }, (api) => api.service(TenantService).createTenant({ tenant: { id } }));
    assert.equal((await create('once')).id, 'once');
    await assert.rejects(create('once'), sentence(/exists already \(TENANT_EXISTS\)/));
  } finally {
    lossy.close();
  }
  const deaf = await startLossy(Number.POSITIVE_INFINITY);
  const never = withApi({ server: deaf.url }, (api) => api.service(TenantService).listTenants({}));
  await assert.rejects(never, sentence(/cannot be reached \(ECONNRESET\)/));
  deaf.close();
});

const sentence = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CommandError, String(error));
  assert.match(error.message, pattern);
  return true;
};

test('calls reach the API, and what it refuses is one sentence', async () => {
  const made = await withApi({ server }, (api) => api.service(TenantService).createTenant({ tenant: { id: 'acme' } }));
  assert.equal(made.id, 'acme');
  const again = withApi({ server }, (api) => api.service(TenantService).createTenant({ tenant: { id: 'acme' } }));
  await assert.rejects(again, sentence(/^Tenant "acme" exists already \(TENANT_EXISTS\)\.$/));
  const nobody = withApi({ server: 'http://127.0.0.1:9' }, (api) => api.service(TenantService).listTenants({}));
  await assert.rejects(nobody, sentence(/^http:\/\/127\.0\.0\.1:9 cannot be reached \(ECONNREFUSED\)/));
});

test('of a certificate of another time the clock is named, not its authority', async () => {
  const cases = [
    [
      -2,
      /^The certificate that https:.* shows is refused: it has expired, and it is .*Z by this machine's clock: set /,
    ],
    [
      +1,
      /^The certificate that https:.* shows is refused: it is not yet valid, and it is .*Z by this .*: set the clock/,
    ],
  ] as const;
  for (const [startDays, message] of cases) {
    const { certificate, key } = await certificateOfAnotherTime(folder, startDays);
    const wrong = https.createServer({ cert: readFileSync(certificate), key: readFileSync(key) });
    await new Promise<void>((resolve) => wrong.listen(0, '127.0.0.1', resolve));
    const url = `https://127.0.0.1:${(wrong.address() as AddressInfo).port}`;
    const listing = withApi({ server: url }, (api) => api.service(TenantService).listTenants({}));
    await assert.rejects(listing, sentence(message)).finally(() => wrong.close());
  }
});
