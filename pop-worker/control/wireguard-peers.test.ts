import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { CompactEncrypt } from 'jose';
import { Bucket, ConfigKey } from '#model/names.ts';
import { wireguardKeyText } from '#model/wireguard.ts';
import type { WireGuardKeys } from '#model/wireguard-keys.ts';
import type { WireGuardPeer, WireGuardPeersChange } from '#model/wireguard-peer.ts';
import { type WireguardPeer, WireguardPeerSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import { sealPresharedKey } from '#services/config/preshared-key.ts';
import { eventually } from '#services/config/testing/client.ts';
import { allocateSlots, slotOf } from '#telemetry/slots.ts';
import { DesiredState } from './desired-state.ts';
import { writeControlMetrics } from './metrics.ts';
import { followRecord } from './records.ts';
import type { ControlListener } from './source.ts';
import { SERVING } from './testing/condition.ts';
import { createTestHub, type TestHub } from './testing/hub.ts';
import { WireguardPeers } from './wireguard-peers.ts';

const keyPair = () => {
  const { d, x } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  const [privateKey, publicKey] = [d, x].map((text) => Uint8Array.from(Buffer.from(String(text), 'base64url')));
  return { privateKey: privateKey!, publicKey: publicKey!, text: wireguardKeyText(publicKey!) };
};

const edge = keyPair();
const presharedKey = randomBytes(32);

/** A record that is good, but for what is said. */
const record = (more: Partial<WireguardPeer> = {}): WireguardPeer =>
  create(WireguardPeerSchema, {
    ...{ tenant: 'acme', device: 'a', network: 'n', number: 7, publicKey: keyPair().publicKey },
    ...{ ipv4Address: '10.64.0.2', ipv6Address: 'fd00::a40:2', networks: ['192.168.1.0/24'] },
    ...{ endpoint: '[2001:db8::9]:51820', keepaliveSeconds: 25 },
    ...more,
  } as WireguardPeer);

/** Those that are there after each change, by their devices' names. */
const listOf = () => {
  const peers = new Map<string, WireGuardPeer>();
  const told: (readonly WireGuardPeer[])[] = [];
  const take = ({ changed, removed }: WireGuardPeersChange): void => {
    for (const name of removed) peers.delete(name);
    for (const [name, peer] of changed) peers.set(name, peer);
    told.push([...peers.values()].sort((a, b) => (a.device < b.device ? -1 : 1)));
  };
  return { told, take };
};

/** A worker's state, and what its threads are told of peers. */
const follower = (keys: WireGuardKeys = { privateKey: edge.privateKey }) => {
  const state = new DesiredState();
  const { told, take } = listOf();
  const changes: WireGuardPeersChange[] = [];
  const errors: string[] = [];
  const peers = new WireguardPeers({
    ...{ state, keys, gatherMs: 1 },
    told: (change) => {
      changes.push(change);
      take(change);
    },
    ...{ onError: ({ message }) => void errors.push(message) },
  });
  const put = (peer: WireguardPeer, key = `${peer.tenant}.wireguard.${peer.device}`): void => {
    const bytes = toBinary(WireguardPeerSchema, peer);
    followRecord(state, Bucket.config, key, () => bytes);
  };
  return { state, peers, told, changes, errors, put };
};

test('a record is what data-plane threads take, with its preshared key open', async () => {
  const { state, peers, told, errors, put } = follower();
  const sealedPresharedKey = await sealPresharedKey(edge.text, {
    ...{ tenant: 'acme', device: 'a', key: wireguardKeyText(presharedKey) },
  });
  const full = record({ sealedPresharedKey });
  put(full);
  const bare = record({ device: 'b', number: 8, endpoint: '', keepaliveSeconds: 0, networks: [] });
  put(bare);
  state.setEgress('acme', 'n', true);
  await peers.start();
  const common = { tenant: 'acme', egress: true };
  assert.deepEqual(told, [
    [
      {
        ...{
          ...common,
          device: 'a',
          number: 7,
          publicKey: full.publicKey,
          presharedKey: Uint8Array.from(presharedKey),
        },
        sources: ['10.64.0.2/32', 'fd00::a40:2/128', '192.168.1.0/24'],
        ...{ endpoint: { address: '2001:db8::9', port: 51_820 }, keepaliveSeconds: 25 },
      },
      { ...common, device: 'b', number: 8, publicKey: bare.publicKey, sources: ['10.64.0.2/32', 'fd00::a40:2/128'] },
    ],
  ]);
  state.setEgress('acme', 'n', false);
  state.setPeer('acme', 'b', undefined);
  await eventually(async () => told[1], 'changes are told together');
  assert.deepEqual(
    told[1]?.map(({ device, egress }) => [device, egress]),
    [['a', false]],
  );
  assert.deepEqual(errors, []);
  await peers.close();
});

test('what cannot be used is refused record by record, told once, and counted', async () => {
  const { peers, told, errors, put } = follower();
  const sealed = (content: unknown, key = edge, header: object = {}): Promise<string> =>
    new CompactEncrypt(new TextEncoder().encode(JSON.stringify(content)))
      .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', ...header })
      .encrypt({ kty: 'OKP', crv: 'X25519', x: Buffer.from(key.publicKey).toString('base64url') });
  const good = await sealPresharedKey(edge.text, { tenant: 'acme', device: 'x', key: wireguardKeyText(presharedKey) });
  const { kid } = JSON.parse(Buffer.from(good.split('.')[0]!, 'base64url').toString()) as { kid: string };
  const of = (device: string, key: unknown = wireguardKeyText(presharedKey)) => ({ tenant: 'acme', device, key });
  const bad: readonly [string, Partial<WireguardPeer>, string][] = [
    ['number0', { number: 0 }, 'number'],
    ['number25', { number: 2 ** 24 }, 'number'],
    ['short', { publicKey: new Uint8Array(31) }, 'public_key'],
    ['zero', { publicKey: new Uint8Array(32) }, 'public_key'],
    ['nowhere', { ipv4Address: '', ipv6Address: '', networks: [] }, 'sources'],
    ['address', { ipv4Address: '10.64.0.300' }, 'sources'],
    ['prefix', { networks: ['10.0.0.1/8'] }, 'sources'],
    ['name', { endpoint: 'site.example:1' }, 'endpoint'],
    ['port', { endpoint: '192.0.2.1:0' }, 'endpoint'],
    ['itself', { endpoint: '127.0.0.1:51820' }, 'endpoint'],
    ['metadata', { endpoint: '169.254.169.254:80' }, 'endpoint'],
    ['long', { keepaliveSeconds: 65_536 }, 'keepalive'],
    ['no-jwe', { sealedPresharedKey: 'x' }, 'preshared_key'],
    [
      'other-key',
      { sealedPresharedKey: await sealPresharedKey(keyPair().text, of('other-key') as never) },
      'other_key',
    ],
    ['no-kid', { sealedPresharedKey: await sealed(of('no-kid')) }, 'other_key'],
    ['lying-kid', { sealedPresharedKey: await sealed(of('lying-kid'), keyPair(), { kid }) }, 'preshared_key'],
    ['of-other', { sealedPresharedKey: good }, 'preshared_key'],
    ['no-key', { sealedPresharedKey: await sealed(of('no-key', 7), edge, { kid }) }, 'preshared_key'],
    ['short-key', { sealedPresharedKey: await sealed(of('short-key', 'AAAA'), edge, { kid }) }, 'preshared_key'],
    ['null', { sealedPresharedKey: await sealed(null, edge, { kid }) }, 'preshared_key'],
    ['cut', { sealedPresharedKey: good.slice(0, -4) }, 'preshared_key'],
  ];
  for (const [device, more] of bad) put(record({ device, ...more }));
  put(record({ device: 'fine', number: 9 }));
  await peers.start();
  assert.deepEqual(
    told.at(-1)?.map(({ device }) => device),
    ['fine'],
  );
  const counts = new Map<string, number>();
  for (const [, , reason] of bad) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  assert.deepEqual(Object.fromEntries(peers.refused), Object.fromEntries(counts));
  assert.equal(errors.length, bad.length);
  const secret = wireguardKeyText(presharedKey);
  for (const text of errors)
    assert.ok(/^WireGuard peer acme\.[a-z0-9-]+: its|what/.test(text) && !text.includes(secret), text);
  put(record({ device: 'number0', number: 11 }));
  await eventually(async () => told.at(-1)?.length === 2 || undefined, 'it is mended');
  assert.equal(errors.length, bad.length, 'of the others nothing is said again');
  assert.equal(peers.refused.get('number'), 1);
  await peers.close();
});

test('of a change those are told whom it is about; what is told at first is told some at a time', async () => {
  const { state, peers, changes, errors, put } = follower();
  const names = Array.from({ length: 100 }, (_, i) => `d${i}`);
  for (const [i, device] of names.entries()) put(record({ device, number: i + 1, network: i < 3 ? 'n' : 'other' }));
  await peers.start();
  const toldOf = ({ changed, removed }: WireGuardPeersChange) => [[...changed.keys()], removed];
  assert.ok(changes.every(({ changed }) => changed.size <= 32));
  assert.deepEqual(
    changes.splice(0).flatMap(({ changed }) => [...changed.keys()]),
    names.map((device) => `acme.${device}`),
  );
  const next = async () => {
    await eventually(async () => changes[0], 'it is told');
    return toldOf(changes.shift() as WireGuardPeersChange);
  };
  put(record({ device: 'd7', number: 8, network: 'other', keepaliveSeconds: 1 }));
  assert.deepEqual(await next(), [['acme.d7'], []]);
  state.setEgress('acme', 'n', true);
  assert.deepEqual(await next(), [['acme.d0', 'acme.d1', 'acme.d2'], []]);
  put(record({ device: 'd2', number: 3, network: 'other' }));
  state.setPeer('acme', 'd1', undefined);
  put(record({ device: 'd9', number: 0, network: 'other' }));
  assert.deepEqual(await next(), [['acme.d2'], ['acme.d1', 'acme.d9']]);
  state.setEgress('acme', 'n', false);
  state.setEgress('acme', 'none', true);
  assert.deepEqual(await next(), [['acme.d0'], []]);
  state.setEdgeKey(keyPair().text);
  peers.setKeys({ privateKey: edge.privateKey });
  await eventually(async () => errors[1], 'it is told of the key');
  assert.deepEqual(changes, []);
  await peers.close();
});

test('bytes that are no record leave the peer as it was, and the others too', () => {
  const { state, put } = follower();
  put(record());
  for (const bytes of [Uint8Array.of(0xff), Uint8Array.of(0x2a, 0x20), Uint8Array.of(0x20, 0xff)])
    assert.throws(() => followRecord(state, Bucket.config, 'acme.wireguard.a', () => bytes));
  assert.equal(state.peers.get('acme.a')?.number, 7);
  followRecord(state, Bucket.config, 'acme.wireguard.a', () => new Uint8Array());
  assert.equal(state.peers.size, 0);
});

test('a worker with another key than clients are told of says so, once', async () => {
  const { state, peers, errors } = follower();
  await peers.start();
  state.setEdgeKey(edge.text);
  const other = keyPair().text;
  state.setEdgeKey(other);
  state.setEgress('acme', 'n', true);
  await eventually(async () => errors[0], 'it says so');
  assert.equal(errors.length, 1);
  assert.ok(errors[0]?.includes(other) && errors[0].includes(edge.text));
  await peers.close();
});

test('preshared keys are wiped once no record has them, and at the end', async () => {
  const { peers, told, put } = follower();
  const sealed = (device: string) =>
    sealPresharedKey(edge.text, { tenant: 'acme', device, key: wireguardKeyText(presharedKey) });
  put(record({ sealedPresharedKey: await sealed('a') }));
  put(record({ device: 'b', number: 8, sealedPresharedKey: await sealed('b') }));
  await peers.start();
  const [a, b] = ['a', 'b'].map((name) => told[0]?.find(({ device }) => device === name)?.presharedKey);
  assert.deepEqual([a, b], [Uint8Array.from(presharedKey), Uint8Array.from(presharedKey)]);
  put(record());
  await eventually(async () => told.length === 2 || undefined, 'the change');
  assert.deepEqual([a, b], [new Uint8Array(32), Uint8Array.from(presharedKey)]);
  await peers.close();
  assert.deepEqual(b, new Uint8Array(32));
});

test('in an overlap preshared keys are opened that are sealed to either key, and it is known which to the one before', async () => {
  const newest = keyPair();
  const overlap = { privateKey: newest.privateKey, previousPrivateKey: edge.privateKey };
  const { state, peers, told, errors, put } = follower();
  const secret = wireguardKeyText(presharedKey);
  const of = (device: string) => ({ tenant: 'acme', device, key: secret });
  put(record({ sealedPresharedKey: await sealPresharedKey(edge.text, of('a')) }));
  put(record({ device: 'b', number: 8, sealedPresharedKey: await sealPresharedKey(newest.text, of('b')) }));
  put(record({ device: 'c', number: 9 }));
  state.setEdgeKey(newest.text);
  await peers.start();
  const known = () => told.at(-1)?.map(({ device }) => device);
  const become = (keys: WireGuardKeys, devices: readonly string[]) => {
    peers.setKeys(keys);
    return eventually(async () => String(known()) === String(devices) || undefined, `${devices}`);
  };
  assert.deepEqual([known(), peers.sealedToPrevious], [['a', 'c'], []]);
  assert.match(errors.splice(0).join(), /told that the edge's public key is .*acme\.b: its preshared key is sealed/);

  await become(overlap, ['a', 'b', 'c']);
  assert.deepEqual(peers.sealedToPrevious, ['acme/a']);
  for (const { device, presharedKey: open } of told.at(-1) ?? [])
    assert.deepEqual(open, device === 'c' ? undefined : Uint8Array.from(presharedKey));
  state.setEdgeKey(edge.text);
  put(record({ device: 'd', number: 10, sealedPresharedKey: await sealPresharedKey(newest.text, of('d')) }));
  await eventually(async () => told.at(-1)?.length === 4 || undefined, 'd');
  assert.deepEqual([errors, peers.refused.size], [[], 0], 'either may be what clients are told of');

  state.setEdgeKey(newest.text);
  await become({ privateKey: newest.privateKey }, ['b', 'c', 'd']);
  assert.deepEqual(peers.sealedToPrevious, []);
  assert.match(errors.splice(0).join(), /^WireGuard peer acme\.a: its preshared key is sealed to another key/);
  // It is sealed again, and the same key as before.
  put(record({ sealedPresharedKey: await sealPresharedKey(newest.text, of('a')) }));
  await eventually(async () => told.at(-1)?.length === 4 || undefined, 'a');
  await peers.close();
});

let hub: TestHub;
let folder: string;

before(async () => {
  hub = await createTestHub();
  folder = await mkdtemp(join(tmpdir(), 'cloudbridge-peers-'));
});
after(async () => {
  await hub?.close();
  await rm(folder, { recursive: true, force: true });
});

const createListener = () => {
  const { told, take } = listOf();
  const nothing = (): undefined => undefined;
  const listener: ControlListener = {
    ...{ tenant: nothing, keys: nothing, refused: nothing, routing: nothing, dns: nothing, mesh: nothing },
    ...{ current: nothing, revoke: nothing, reinstate: nothing, setDrain: nothing, revocations: nothing },
    // As it is posted to threads.
    wireguardPeers: (change) => take(structuredClone(change)),
    assess: async () => ({ tunnels: 0, cut: 0 }),
    condition: () => SERVING,
  };
  return { listener, told };
};

test('from the API through NATS to a worker, live, and from its disk when there is no control plane', async () => {
  const { send, app } = hub.service;
  hub.startPublisher(hub.service);
  await send('PATCH', '/v1/wireguard-edge', { publicKey: edge.text, endpoints: ['192.0.2.1:51820'] });
  await send('POST', '/v1/tenants', { id: 'acme' });
  await send('POST', '/v1/tenants/acme/networks', { id: 'n', ipv4Pool: '10.64.0.0/24' });
  const [one, two] = [keyPair(), keyPair()];
  const wireguard = { publicKey: one.text, presharedKey: wireguardKeyText(presharedKey) };
  const made = await send('POST', '/v1/tenants/acme/devices', { id: 'a', network: 'n', wireguard });
  assert.equal(made.status, 201, JSON.stringify(made.json));
  const directory = await mkdtemp(join(folder, 'w'));
  const { listener, told } = createListener();
  const source = hub.createSource('w1', directory, { wireguardKeys: { privateKey: edge.privateKey } });
  await source.start(listener);
  const becomes = (what: string, is: (peers: readonly WireGuardPeer[]) => boolean, all = told) =>
    eventually(async () => (is(all.at(-1) ?? []) ? all.at(-1) : undefined), what);
  const [peer] = await becomes('the peer is there', (peers) => peers.length === 1);
  assert.deepEqual(peer, {
    ...{ tenant: 'acme', device: 'a', number: made.json.wireguard.peerNumber, egress: false },
    ...{ publicKey: one.publicKey, presharedKey: Uint8Array.from(presharedKey) },
    sources: [`${made.json.ipv4Address}/32`, `${made.json.ipv6Address}/128`],
  });
  await send('PATCH', '/v1/tenants/acme/networks/n', { egress: true });
  await becomes('its network leads out', (peers) => peers[0]?.egress === true);
  await send('PATCH', '/v1/tenants/acme/devices/a', { wireguard: { publicKey: two.text } });
  const [rotated] = await becomes('another key', (peers) => Buffer.compare(peers[0]!.publicKey, two.publicKey) === 0);
  assert.deepEqual([rotated?.number, rotated?.presharedKey], [peer?.number, peer?.presharedKey]);
  // One that cannot be used, and one that cannot be read.
  await app.stores.config.commit([
    {
      key: ConfigKey.wireguardPeer('acme', 'odd'),
      value: toBinary(WireguardPeerSchema, record({ device: 'odd', number: 0 })),
    },
  ]);
  await app.stores.config.commit([{ key: ConfigKey.wireguardPeer('acme', 'broken'), value: Uint8Array.of(0xff) }]);
  const slots = allocateSlots();
  const metric = (): number[] => {
    writeControlMetrics(slots, source.view(), 0, Date.now());
    const names = [
      slotOf('cloudbridge_control_peers_count', {}),
      slotOf('cloudbridge_control_refused_peers_count', { reason: 'number' }),
      slotOf('cloudbridge_control_previous_key_peers_count', {}),
      slotOf('cloudbridge_control_unreadable_records_total', {}),
    ];
    return names.map((slot) => Number(slots[slot]));
  };
  await eventually(async () => String(metric()) === '2,1,0,1' || undefined, 'both are counted');
  assert.equal(source.view()?.contact.refusedPeers, 1);
  assert.equal(told.at(-1)?.length, 1);
  await source.stop();
  const onDisk = await readFile(join(directory, 'membership'));
  assert.ok(!onDisk.includes(presharedKey) && !onDisk.includes(wireguardKeyText(presharedKey)), 'sealed there too');

  await hub.installation.server.kill();
  const later = createListener();
  const again = hub.createSource('w1', directory, { wireguardKeys: { privateKey: edge.privateKey } });
  await again.start(later.listener);
  assert.deepEqual(later.told.at(-1), told.at(-1), 'from disk');
  await hub.installation.server.start();
  await eventually(async () => again.view()?.contact.connected || undefined, 'NATS is back');
  await eventually(async () => {
    const { status } = await send('POST', '/v1/tenants/acme/devices/a/revoke', { reason: 'lost' });
    return status === 200 || undefined;
  }, 'it is revoked');
  await becomes('it is gone', (peers) => peers.length === 0, later.told);
  await again.stop();
});

test('who has no [wireguard] hears of nobody', async () => {
  const { listener, told } = createListener();
  const directory = await mkdtemp(join(folder, 'w'));
  const source = hub.createSource('w2', directory);
  await source.start(listener);
  assert.deepEqual([told, source.view()?.contact.peers], [[], 0]);
  await source.stop();
});
