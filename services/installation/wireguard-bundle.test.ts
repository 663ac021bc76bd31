import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import type { NatsConnection } from '@nats-io/nats-core';
import { ConfigKey } from '#model/names.ts';
import { wireguardKeyText } from '#model/wireguard.ts';
import { readWorkerConfig } from '#pop-worker/config.ts';
import { Control } from '#pop-worker/control/control.ts';
import { readWireGuard } from '#pop-worker/wireguard-settings.ts';
import { Health } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { WireguardPeerSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import { eventually } from '#services/config/testing/client.ts';
import { ensureStreams } from '#services/store/buckets.ts';
import { Store } from '#services/store/store.ts';
import { addWorkers, createInstallation, renewInstallation } from './create.ts';
import { makeOfBefore } from './testing/before-wireguard.ts';
import { freeHost, joiner, startNatsOf } from './testing/running.ts';
import { generateKeyPair, keyPairOf } from './wireguard-keys.ts';

/** @returns also what is to be ended before its folder goes, in this order */
const made = async (t: TestContext) => {
  const parent = await mkdtemp(join(tmpdir(), 'cloudbridge-wireguard-'));
  const closers: (() => unknown)[] = [];
  t.after(async () => {
    for (const end of closers) await end();
    await rm(parent, { recursive: true, force: true });
  });
  const folder = join(parent, 'cb');
  const edgeAddresses = ['192.0.2.1', '2001:db8::1'];
  const created = await createInstallation({ folder, natsHosts: [freeHost()], edgeAddresses, workers: ['moscow/w1'] });
  return { folder, created, closers };
};

/** Keys as the worker of this file reads them, as `wg` writes them. */
const keysOf = (config: string): (string | undefined)[] => {
  const { privateKey, previousPrivateKey } = readWireGuard(readWorkerConfig(config).wireguard ?? assert.fail());
  return [wireguardKeyText(privateKey), previousPrivateKey && wireguardKeyText(previousPrivateKey)];
};

test('a new installation has a key of its own for WireGuard, its workers serve by it, and it says what clients are told', async (t) => {
  const { folder, created } = await made(t);
  const file = join(folder, 'keys', 'wireguard.key');
  const { privateKey, publicKey } = keyPairOf(await readFile(file, 'latin1')) ?? assert.fail();
  assert.deepEqual(created.wireguard, { publicKey, endpoints: ['192.0.2.1:51820', '[2001:db8::1]:51820'] });
  const config = created.workerConfigs['moscow/w1'] ?? '';
  assert.deepEqual(keysOf(config), [privateKey, undefined]);
  for (const each of [file, join(folder, 'workers/moscow/w1/wireguard.key')])
    assert.equal((await stat(each)).mode & 0o777, 0o600);
  const [added] = (await addWorkers(folder, ['kazan/w2'])).changed;
  assert.deepEqual(keysOf(added?.config ?? ''), [privateKey, undefined]);
  const { changed, withoutWireguard } = await renewInstallation(folder);
  assert.deepEqual([changed.filter((name) => name.includes('wireguard.key')), withoutWireguard], [[], []]);
  assert.deepEqual(keysOf(config), [privateKey, undefined], 'it stays what it is');
});

test('in an overlap a worker that is added gets both keys; what is no key is said', async (t) => {
  const { folder, created } = await made(t);
  const keys = join(folder, 'keys');
  const before = await readFile(join(keys, 'wireguard.key'), 'latin1');
  const next = generateKeyPair().privateKey;
  await writeFile(join(keys, 'wireguard-previous.key'), before, { mode: 0o600 });
  await writeFile(join(keys, 'wireguard.key'), next);
  const [added] = (await addWorkers(folder, ['kazan/w2'])).changed;
  assert.deepEqual(keysOf(added?.config ?? ''), [next, before.trim()]);
  assert.deepEqual(keysOf(created.workerConfigs['moscow/w1'] ?? ''), [before.trim(), undefined], 'what is there stays');
  await writeFile(join(keys, 'wireguard.key'), 'none');
  await assert.rejects(
    addWorkers(folder, ['kazan/w3']),
    /wireguard\.key holds no key as `wg genkey` writes one: put it/,
  );
});

const PEER = create(WireguardPeerSchema, {
  ...{ tenant: 'acme', device: 'a', network: 'n', number: 7, publicKey: new Uint8Array(32).fill(9) },
  ipv4Address: '10.64.0.2',
});

test('an installation of before WireGuard: renewed, its workers and its API at the edge have their rights, and lose nothing', async (t) => {
  const { folder, created, closers } = await made(t);
  await makeOfBefore(folder, created.nats.folder, 'moscow/w1');
  const config = created.workerConfigs['moscow/w1'] ?? '';
  assert.equal(readWorkerConfig(config).wireguard, undefined);
  const [server] = startNatsOf(created);
  closers.push(async () => {
    const gone = server && once(server, 'exit');
    server?.kill('SIGKILL');
    await gone;
  });
  const { joinAs, close } = joiner(created);
  const services = await joinAs({ role: 'services' }, created.servicesCredentials);
  await ensureStreams(services, { replicas: 1 });
  const stored = await Store.open(services, 'cb_config');
  const device = { key: ConfigKey.wireguardPeer('acme', 'a'), value: toBinary(WireguardPeerSchema, PEER) };
  await stored.commit([device]);

  const role = { role: 'worker', pop: 'moscow', worker: 'w1' } as const;
  const errors: string[] = [];
  const control = await Control.start({
    ...{ servers: created.servers, credentials: created.workerCredentials['moscow/w1']!, ca: created.nats.ca },
    ...{ pop: role.pop, worker: role.worker, stateDirectory: join(folder, 'state'), revisionKeys: new Map() },
    wireguard: { keys: { privateKey: new Uint8Array(32).fill(8) }, told: () => undefined },
    report: () => ({
      ...{ health: Health.SERVING, version: 'test', startTimeMs: 0, sessions: 0 },
      ...{ packetsUp: 0n, packetsDown: 0n, packetsDropped: 0n },
    }),
    onError: (error) => void errors.push(String(error)),
  });
  closers.unshift(() => control.close(), close);
  await eventually(async () => control.membership.caughtUp || undefined, 'all else is followed');
  await eventually(async () => errors.find((text) => /wireguard/i.test(text)), 'it is told that it may not');
  assert.equal(control.state.peers.size, 0);
  const edge = await joinAs({ role: 'edge' }, created.edgeCredentials);
  const mayEdge = async (nats: NatsConnection, id: string): Promise<boolean> => {
    const store = await Store.open(nats, 'cb_config');
    const key = ConfigKey.wireguardPeer('acme', id);
    return store.commit([{ key, value: device.value }]).then(
      () => true,
      () => false,
    );
  };
  assert.equal(await mayEdge(edge, 'b'), false);

  const renewed = await renewInstallation(folder);
  assert.ok(renewed.accountsChanged, 'servers have to be told');
  assert.deepEqual(renewed.withoutWireguard, [config], 'the file is the operator’s');
  for (const file of ['workers/moscow/w1/wireguard.key', 'workers/moscow/w1/worker.creds', 'edge/edge.creds'])
    assert.ok(renewed.changed.includes(join(folder, file)), file);
  server?.kill('SIGHUP');
  const again = await joinAs({ role: 'edge' }, created.edgeCredentials);
  await eventually(async () => (await mayEdge(again, 'b')) || undefined, 'the API at the edge writes them');
  // As SIGHUP of the worker does.
  await control.reconnect();
  await eventually(
    async () => control.state.peers.size === 2 || undefined,
    'the worker follows who comes by WireGuard',
  );
  assert.ok(await mayEdge(again, 'c'));
  await eventually(async () => control.state.peers.size === 3 || undefined, 'and hears of more');
  await writeFile(config, `${await readFile(config, 'utf8')}\n[wireguard]\nprivate_key_file = "wireguard.key"\n`);
  const pair = keyPairOf(await readFile(join(folder, 'keys', 'wireguard.key'), 'latin1'));
  assert.deepEqual(keysOf(config), [pair?.privateKey, undefined], 'and serves once its file says so');
});
