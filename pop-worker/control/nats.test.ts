import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { nkeys } from '@nats-io/nats-core';
import { createTestInstallation, type TestInstallation } from '#services/config/testing/installation.ts';
import { certificateOfAnotherTime } from '#services/installation/testing/certificate-of-another-time.ts';
import { startNatsServer } from '#services/store/testing/nats-server.ts';
import { connectNats } from './nats.ts';

let installation: TestInstallation;
let folder: string;

before(async () => {
  installation = await createTestInstallation();
  folder = await mkdtemp(join(tmpdir(), 'cloudbridge-nats-'));
});
after(async () => {
  await installation?.close();
  await rm(folder, { recursive: true, force: true });
});

/** @param steps what happens at each pause, by its number from 1 on */
const connect = async (files: { credentials?: string; ca?: string }, steps: Record<number, () => Promise<unknown>>) => {
  const told: string[] = [];
  const pauses: number[] = [];
  const stop = new AbortController();
  const nats = await connectNats(
    { servers: [installation.server.url], pop: 'p', worker: 'w', ...files },
    stop.signal,
    (error) => void told.push(error instanceof Error ? error.message : String(error)),
    async (ms) => {
      pauses.push(ms);
      if (pauses.length > 20) stop.abort();
      await steps[pauses.length]?.();
    },
  );
  return { nats, told, pauses };
};

test('credentials that appear later are taken; what kept it waiting is told once', async () => {
  const seed = nkeys.createUser().getSeed();
  const credentials = join(folder, 'w.creds');
  const { nats, told, pauses } = await connect(
    { credentials },
    {
      7: () => writeFile(credentials, 'half a fi', { mode: 0o600 }),
      9: () => writeFile(credentials, seed, { mode: 0o600 }),
    },
  );
  assert.ok(nats !== undefined);
  await nats.close();
  assert.deepEqual(pauses, [250, 500, 1000, 2000, 4000, 4000, 4000, 4000, 4000]);
  assert.equal(told.length, 2, told.join('\n'));
  assert.equal(
    told[0],
    `the credentials file ${credentials} cannot be read, it is not there (ENOENT): put it there or name another place; it is tried again`,
  );
  assert.match(told[1] ?? '', /w\.creds holds neither an nkey seed nor a user JWT with its seed/);
});

test('a CA is waited for as well, until somebody ends it', async () => {
  const ca = join(folder, 'ca.pem');
  const { nats, told } = await connect({ ca }, { 3: () => writeFile(ca, 'no certificate') });
  assert.equal(nats, undefined);
  assert.deepEqual(told, [
    `the CA file ${ca} cannot be read, it is not there (ENOENT): put it there or name another place; it is tried again`,
    `the CA file ${ca} holds no certificate; it is tried again`,
  ]);
});

/** What is told of a NATS that does not let it in. */
const firstTold = async (url: string, ca?: string): Promise<string> => {
  const told: string[] = [];
  const stop = new AbortController();
  const options = { servers: [url], pop: 'p', worker: 'w', ...(ca !== undefined && { ca }) };
  const nats = await connectNats(
    options,
    stop.signal,
    (error) => told.push((error as Error).message),
    async () => stop.abort(),
  );
  assert.equal(nats, undefined);
  return told.join('\n');
};

test('a NATS that is not there is named, with what to do', async () => {
  assert.match(
    await firstTold('nats://127.0.0.1:1'),
    /^NATS at nats:\/\/127\.0\.0\.1:1 cannot be reached \(.*\); it is tried again: start it, or change \[control\] servers$/,
  );
});

test('of a certificate that has expired the clock is named, for NATS is there', async () => {
  const { certificate: ca, key } = await certificateOfAnotherTime(folder, -2);
  const server = await startNatsServer(`tls { cert_file: "${ca}", key_file: "${key}" }`);
  const told = await firstTold(server.url, ca).finally(() => server.close());
  assert.match(
    told,
    /^the certificate of NATS at nats:.* is refused: it has expired, and it is .*Z by this machine's clock: set the .* renewed; it is tried again$/,
  );
});
