import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type NatsConnection, nkeys } from '@nats-io/nats-core';
import { configMeter } from '#services/config/app.ts';
import { eventually } from '#services/config/testing/client.ts';
import { startWorkerService } from '#services/config/worker.ts';
import { certificateOfAnotherTime } from '#services/installation/testing/certificate-of-another-time.ts';
import { startNatsServer, type TestServer } from '#services/store/testing/nats-server.ts';
import { needsSmallDisk, smallDisk } from '#services/store/testing/small-disk.ts';
import { connectStore } from './nats.ts';

interface Opened {
  readonly nats: NatsConnection;
  close(): Promise<void>;
}

interface Case {
  readonly name: string;
  open(
    server: TestServer,
    credentials: { file: string; seed: string },
    report: (error: unknown) => void,
  ): Promise<Opened>;
}

const CASES: readonly Case[] = [
  {
    name: 'a process',
    open: async ({ url }, { file }, report) => {
      const nats = await connectStore({ nats: { servers: [url], credentials: file, replicas: 1 } }, 'test', report);
      return { nats, close: () => nats.close() };
    },
  },
  {
    name: 'the edge Worker, over WebSocket',
    open: ({ websocketUrl: url }, { seed }, report) =>
      startWorkerService({
        url,
        credentials: seed,
        verify: () => Promise.reject(new Error('nobody calls')),
        authorization: { issuer: 'https://identity.test', project: '3', tokenService: undefined },
        meter: configMeter(),
        report,
      }),
  },
];

for (const { name, open } of CASES) {
  test(`services that were refused come back by themselves once their credentials are good again: ${name}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cloudbridge-services-nats-'));
    const [own, other] = [nkeys.createUser(), nkeys.createUser()];
    const only = (user: nkeys.KeyPair): string => `authorization { users: [ { nkey: ${user.getPublicKey()} } ] }`;
    const file = join(folder, 'services.creds');
    const seed = new TextDecoder().decode(own.getSeed());
    await writeFile(file, seed, { mode: 0o600 });
    const server = await startNatsServer(only(own));
    const told: string[] = [];
    // The Worker expects what the processes have made.
    const setup = await CASES[0]?.open(server, { file, seed }, () => undefined);
    await setup?.close();
    const service = await open(server, { file, seed }, (error) => void told.push(String(error)));
    try {
      await server.kill();
      await server.start(only(other));
      await eventually(async () => {
        const refusals = (await server.readLog()).match(/authentication error/gi) ?? [];
        return refusals.length >= 4 || undefined;
      }, 'four refusals');
      await server.kill();
      await server.start(only(own));
      await eventually(
        () =>
          service.nats.flush().then(
            () => true as const,
            () => undefined,
          ),
        'it is connected again',
      );
      assert.equal(told.filter((text) => /^Error: NATS refuses the credentials of .*: put valid/.test(text)).length, 1);
    } finally {
      await service.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
}

test('a NATS without room, and one without JetStream, are told in a sentence', { skip: needsSmallDisk }, async (t) => {
  const disk = smallDisk(t, 8192);
  const servers = [await startNatsServer('', join(disk.folder, 'js')), await startNatsServer('jetstream: disabled')];
  t.after(() => Promise.all(servers.map((server) => server.close())));
  const refused = (server: TestServer | undefined, sentence: RegExp) =>
    assert.rejects(
      connectStore({ nats: { servers: [server?.url ?? ''], replicas: 1 } }, 'test', () => undefined),
      { name: 'ConfigError', message: sentence },
    );
  await refused(
    servers[0],
    /^NATS at nats:.* has no room for its streams \(insufficient storage .*\): give its store_dir /,
  );
  await refused(servers[1], /^NATS at nats:.* runs without JetStream: start it with the installation's nats\.conf$/);
});

test('of a certificate of another time the clock is named, for NATS is there', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'cloudbridge-services-nats-'));
  t.after(() => rm(folder, { recursive: true }));
  const cases = [
    [
      -2,
      /^the certificate of NATS at nats:.* is refused: it has expired, and it is .*Z by this .* clock: set the clock/,
    ],
    [
      +1,
      /^the certificate of NATS at nats:.* is refused: it is not yet valid, and it is .*Z by this .* clock: set the/,
    ],
  ] as const;
  for (const [startDays, message] of cases) {
    const { certificate: ca, key } = await certificateOfAnotherTime(folder, startDays);
    const server = await startNatsServer(`tls { cert_file: "${ca}", key_file: "${key}" }`);
    const connecting = connectStore({ nats: { servers: [server.url], ca, replicas: 1 } }, 'test', () => undefined);
    await assert.rejects(connecting, { name: 'ConfigError', message }).finally(() => server.close());
  }
});
