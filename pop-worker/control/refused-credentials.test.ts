import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { nkeys } from '@nats-io/nats-core';
import { Health } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { eventually } from '#services/config/testing/client.ts';
import { startNatsServer, type TestServer } from '#services/store/testing/nats-server.ts';
import { Control } from './control.ts';

const [old, other, renewed] = [nkeys.createUser(), nkeys.createUser(), nkeys.createUser()];
const only = (user: nkeys.KeyPair): string => `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`;

let server: TestServer;
let folder: string;
let credentials: string;
let control: Control;
const told: string[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cloudbridge-refused-'));
  credentials = join(folder, 'w.creds');
  await writeFile(credentials, old.getSeed(), { mode: 0o600 });
  server = await startNatsServer(only(old));
  control = await Control.start({
    servers: [server.url],
    credentials,
    pop: 'p',
    worker: 'w',
    stateDirectory: folder,
    revisionKeys: new Map(),
    report: () => ({
      health: Health.SERVING,
      version: 'test',
      startTimeMs: 0,
      sessions: 0,
      packetsUp: 0n,
      packetsDown: 0n,
      packetsDropped: 0n,
    }),
    onError: (error) => void told.push(error instanceof Error ? error.message : String(error)),
  });
  await eventually(async () => control.connected || undefined, 'the first connection');
});
after(async () => {
  await control?.close();
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

/** Restarted so that the worker is nobody there, until it was told so as often as it takes to make a client give up. */
const revoke = async (): Promise<void> => {
  await server.kill();
  await server.start(only(other));
  await eventually(async () => {
    const refusals = (await server.readLog()).match(/authentication error/gi) ?? [];
    return refusals.length >= 4 || undefined;
  }, 'four refusals');
  assert.equal(control.connected, false);
};

const restore = async (user: nkeys.KeyPair): Promise<void> => {
  await server.kill();
  await server.start(only(user));
  await eventually(async () => control.connected || undefined, 'it is connected again');
};

test('a worker whose credentials were refused comes back by itself once they are good again', async () => {
  await revoke();
  await restore(old);
  const refusals = told.filter((text) => text.startsWith('NATS refuses'));
  assert.equal(refusals.length, 1, told.join('\n'));
  assert.match(
    refusals[0] ?? '',
    /^NATS refuses the credentials of .*w\.creds \(.*Authorization Violation.*\): put valid/i,
  );
});

test('credentials that are replaced meanwhile are taken, and a file that is half there does no harm', async () => {
  await revoke();
  await writeFile(credentials, 'half a fi', { mode: 0o600 });
  await eventually(async () => told.find((text) => text.includes('holds neither')), 'it tells of the half file');
  await writeFile(credentials, renewed.getSeed());
  await restore(renewed);
});
