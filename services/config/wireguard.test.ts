import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { compactDecrypt, importJWK } from 'jose';
import { ConfigKey, RevocationKey } from '#model/names.ts';
import { wireguardKeyText } from '#model/wireguard.ts';
import { RevocationSchema } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { type WireguardPeer, WireguardPeerSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import { createClient, eventually } from './testing/client.ts';
import { type Copy, createTestInstallation, type TestInstallation } from './testing/installation.ts';
import { readEvents } from './testing/read-events.ts';

let installation: TestInstallation;
let copy: Copy;

/** A key pair as JWK, and its public key as `wg` writes it. */
const keyPair = () => {
  const jwk = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  return { jwk, publicKey: Buffer.from(String(jwk.x), 'base64url').toString('base64') };
};

const edge = keyPair();
const presharedKey = randomBytes(32).toString('base64');

before(async () => {
  installation = await createTestInstallation();
  copy = await installation.startCopy();
  await copy.send('POST', '/v1/tenants', { id: 'acme', organisation: 'org-1' });
  await copy.send('POST', '/v1/tenants', { id: 'other' });
  for (const tenant of ['acme', 'other'])
    for (const [id, ipv4Pool] of [
      ['office', '10.64.0.0/24'],
      ['branch', '192.168.0.0/16'],
    ] as const)
      await send('POST', `/v1/tenants/${tenant}/networks`, { id, ipv4Pool });
});
after(() => installation?.close());

const send = (...args: Parameters<Copy['send']>) => copy.send(...args);
const DEVICES = '/v1/tenants/acme/devices';

/** @returns what workers read; undefined: nothing */
const peerOf = async (device: string, tenant = 'acme'): Promise<WireguardPeer | undefined> => {
  const record = await copy.app.stores.config.get(ConfigKey.wireguardPeer(tenant, device));
  return record && fromBinary(WireguardPeerSchema, record.value);
};

/** Of an answer that refuses: its status, its reason, and what it says of each field. */
const refused = async (answer: ReturnType<Copy['send']>) => {
  const { status, json } = await answer;
  const fields = (json.violations ?? []).map(
    ({ field, description }: Record<string, string>) => `${field}: ${description}`,
  );
  return [status, json.reason, ...fields];
};

const makeDevice = async (id: string, wireguard?: object, tenant = 'acme', network = 'office') => {
  const body = { id, network, ...(wireguard && { wireguard: wireguard as Record<string, string> }) };
  return send('POST', `/v1/tenants/${tenant}/devices`, body);
};

test('before anything was said of the edge there is nothing, and no preshared key is taken', async () => {
  assert.deepEqual((await send('GET', '/v1/wireguard-edge')).json, {});
  const { publicKey } = keyPair();
  const early = await makeDevice('early', { publicKey, presharedKey });
  assert.deepEqual([early.status, early.json.reason], [409, 'WIREGUARD_NOT_SET_UP']);
  assert.equal(await peerOf('early'), undefined);
});

test('what clients are told of the edge is checked, field by field', async () => {
  const path = '/v1/wireguard-edge';
  const { publicKey } = edge;
  const form = 'must be ADDRESS:PORT, [IPV6]:PORT or NAME:PORT, such as 192.0.2.1:51820';
  for (const [body, ...expected] of [
    [{ endpoints: ['192.0.2.1:51820'] }, 'edge.public_key: is missing'],
    [{ publicKey }, 'edge.endpoints: is missing'],
    [
      { publicKey, endpoints: ['192.0.2.1', 'edge.example:0', '2001:db8::1:51820', 'a b:1'] },
      ...[0, 1, 2, 3].map((i) => `edge.endpoints[${i}]: ${form}`),
    ],
    [
      { publicKey, endpoints: ['127.0.0.1:1', '[::]:1', '[fe80::1]:1', '224.0.0.1:1'] },
      ...[0, 1, 2, 3].map((i) => `edge.endpoints[${i}]: is an address that nobody reaches from elsewhere`),
    ],
    [
      { publicKey: wireguardKeyText(new Uint8Array(32)), endpoints: ['192.0.2.1:51820'] },
      'edge.public_key: is no key that anybody can have the private key of',
    ],
  ] as const)
    assert.deepEqual(await refused(send('PATCH', path, body as never)), [400, 'INVALID_ARGUMENT', ...expected]);
  for (const body of [{ publicKey: 'short' }, { publicKey: `${publicKey.slice(0, 42)}B=` }, { dns: ['no'] }])
    assert.equal((await send('PATCH', path, body)).status, 400, JSON.stringify(body));
  const tenantAdmin = createClient(
    (request) => copy.app.fetch(request),
    await installation.tokens.sign({ subject: 'tim', roles: ['tenant-admin'], organisation: 'org-1' }),
  );
  assert.equal((await tenantAdmin('PATCH', path, { dns: ['192.0.2.53'] })).status, 403);
  const endpoints = ['192.0.2.1:51820', '[2001:DB8:a::1]:51820', 'Edge.Example:51820'];
  const set = await send('PATCH', path, { publicKey, endpoints, dns: ['2001:DB8::53'] });
  assert.equal(set.status, 200, JSON.stringify(set.json));
  assert.deepEqual(set.json.endpoints, ['192.0.2.1:51820', '[2001:db8:a::1]:51820', 'edge.example:51820']);
  assert.deepEqual((await tenantAdmin('GET', path)).json, set.json, 'tenants see it: they tell their devices');
  const match = { 'if-match': `"${set.json.meta.etag}"` };
  const changed = await send('PATCH', path, { dns: [] }, match);
  assert.deepEqual([changed.json.dns, changed.json.publicKey], [undefined, publicKey]);
  assert.deepEqual(await refused(send('PATCH', path, { dns: [] }, match)), [412, 'ETAG_MISMATCH']);
});

test('a device gets a number, and workers a record with all of it; the preshared key nobody but them can read', async () => {
  const { publicKey } = keyPair();
  const wireguard = { publicKey, presharedKey, endpoint: '[2001:DB8::9]:51820', persistentKeepaliveSeconds: 25 };
  const made = await makeDevice('laptop', { ...wireguard, peerNumber: 7, hasPresharedKey: false });
  assert.equal(made.status, 201, JSON.stringify(made.json));
  const { peerNumber, ...shown } = made.json.wireguard;
  assert.ok(peerNumber >= 1 && peerNumber < 2 ** 24 && peerNumber !== 7, String(peerNumber));
  assert.deepEqual(shown, {
    publicKey,
    hasPresharedKey: true,
    presharedKeySealedTo: edge.publicKey,
    endpoint: '[2001:db8::9]:51820',
    persistentKeepaliveSeconds: 25,
  });
  const peer = (await peerOf('laptop')) as WireguardPeer;
  const { tenant, device, network, number, ipv4Address, ipv6Address, endpoint, keepaliveSeconds } = peer;
  assert.deepEqual(
    [tenant, device, network, number, ipv4Address, ipv6Address, endpoint, keepaliveSeconds],
    ['acme', 'laptop', 'office', peerNumber, made.json.ipv4Address, made.json.ipv6Address, '[2001:db8::9]:51820', 25],
  );
  assert.equal(wireguardKeyText(peer.publicKey), publicKey);
  const opened = await compactDecrypt(peer.sealedPresharedKey, await importJWK(edge.jwk, 'ECDH-ES'));
  assert.deepEqual(JSON.parse(new TextDecoder().decode(opened.plaintext)), {
    tenant: 'acme',
    device: 'laptop',
    key: presharedKey,
  });
  assert.equal(opened.protectedHeader.alg, 'ECDH-ES');
  await assert.rejects(compactDecrypt(peer.sealedPresharedKey, await importJWK(keyPair().jwk, 'ECDH-ES')));
});

test('the preshared key is in no answer, no event and no record of NATS', async () => {
  const answers = [await send('GET', `${DEVICES}/laptop`), await send('GET', DEVICES)];
  const key = { 'idempotency-key': 'psk-1' };
  for (let i = 0; i < 2; i++)
    answers.push(await send('PATCH', `${DEVICES}/laptop`, { wireguard: { presharedKey } }, key));
  for (const { status, json } of answers) {
    assert.equal(status, 200);
    assert.ok(!JSON.stringify(json).includes(presharedKey));
  }
  const events = await readEvents(copy.nats);
  assert.ok(events.some(({ subject }) => subject.includes('.device.updated.laptop')));
  const { config } = copy.app.stores;
  const bytes = Buffer.from(presharedKey, 'base64');
  const all = [...(await config.list('>')).map(({ value }) => Buffer.from(value)), Buffer.from(JSON.stringify(events))];
  assert.ok(all.length > 10);
  for (const value of all) assert.ok(!value.includes(bytes) && !value.includes(presharedKey), 'in clear');
});

test('an update changes what it names, the preshared key too', async () => {
  const path = `${DEVICES}/laptop`;
  const before = (await send('GET', path)).json.wireguard;
  const record = await peerOf('laptop');
  const patch = async (body: object) => (await send('PATCH', path, body as never)).json.wireguard;
  assert.deepEqual(await patch({ displayName: 'L' }), before);
  assert.deepEqual(await peerOf('laptop'), record, 'of that workers hear nothing');
  assert.deepEqual(await patch({ wireguard: { persistentKeepaliveSeconds: 0 } }), {
    publicKey: before.publicKey,
    hasPresharedKey: true,
    presharedKeySealedTo: edge.publicKey,
    endpoint: before.endpoint,
    peerNumber: before.peerNumber,
  });
  assert.equal((await peerOf('laptop'))?.sealedPresharedKey, record?.sealedPresharedKey);
  const whole = (await send('GET', path)).json;
  assert.deepEqual(await patch({ ...whole, displayName: 'M' }), whole.wireguard, 'read, change, write back');
  const unnamed = await send('POST', '/cloudbridge.v1.DeviceService/UpdateDevice', {
    tenant: 'acme',
    device: { id: 'laptop', wireguard: { presharedKey: keyPair().publicKey, persistentKeepaliveSeconds: 7 } },
    updateMask: 'wireguard.persistentKeepaliveSeconds',
  });
  assert.equal(unnamed.json.wireguard.persistentKeepaliveSeconds, 7);
  assert.equal((await peerOf('laptop'))?.sealedPresharedKey, record?.sealedPresharedKey, 'the mask does not name it');
  const none = await patch({ wireguard: { presharedKey: '' } });
  assert.deepEqual([none.hasPresharedKey, (await peerOf('laptop'))?.sealedPresharedKey], [undefined, '']);
  const { publicKey } = keyPair();
  const rotated = await patch({ wireguard: { publicKey } });
  assert.deepEqual([rotated.publicKey, rotated.peerNumber], [publicKey, before.peerNumber]);
  const again = await makeDevice('heir', { publicKey: before.publicKey });
  assert.equal(again.status, 201, 'a key that was given up is free');
  assert.equal(await patch({ wireguard: null }), undefined);
  assert.equal(await peerOf('laptop'), undefined);
  const back = await patch({ wireguard: { publicKey } });
  assert.notEqual(back.peerNumber, before.peerNumber, 'the number before is nobody’s for a day');
  const rpc = await send('POST', '/cloudbridge.v1.DeviceService/UpdateDevice', {
    tenant: 'acme',
    device: { id: 'laptop', wireguard: { publicKey } },
    updateMask: 'wireguard.peerNumber',
  });
  assert.deepEqual([rpc.status, rpc.json.code], [400, 'invalid_argument']);
});

test('what a device says of itself is checked, field by field', async () => {
  const field = (name: string, text: string) => `device.wireguard.${name}: ${text}`;
  const { publicKey } = keyPair();
  const inNone = "is inside none of the tenant's networks: make one for it first";
  for (const [wireguard, ...expected] of [
    [{}, field('public_key', 'is missing')],
    [{ publicKey: edge.publicKey }, field('public_key', "is the edge's own: give the device's")],
    [
      { publicKey: `4Ot6fDtBuK4WVuP68Z/EatoJjeucMrH9hmIFFl9JuAA=` },
      field('public_key', 'is no key that anybody can have the private key of'),
    ],
    [
      { publicKey, endpoint: 'site.example:51820' },
      field('endpoint', 'must be ADDRESS:PORT or [IPV6]:PORT, such as 203.0.113.9:51820'),
    ],
    [
      { publicKey, endpoint: '127.0.0.1:1' },
      field('endpoint', 'is one of the loopback addresses: no worker begins there'),
    ],
    [
      { publicKey, networks: ['192.168.1.1/24', 'x', '10.9.0.0/16'] },
      field('networks[0]', 'has bits set behind its prefix: is 192.168.1.0/24 meant?'),
      field('networks[1]', 'must be a prefix, such as 192.168.10.0/24, not "x"'),
    ],
    [{ publicKey, networks: ['192.168.1.0/24', '192.168.0.0/22'] }, field('networks[1]', 'overlaps 192.168.1.0/24')],
    [{ publicKey, networks: ['0.0.0.0/0'] }, field('networks[0]', `0.0.0.0/0 ${inNone}`)],
    [
      { publicKey, networks: ['10.9.0.0/16', 'fd00::/64'] },
      field('networks[0]', `10.9.0.0/16 ${inNone}`),
      field('networks[1]', `fd00::/64 ${inNone}`),
    ],
  ] as const)
    assert.deepEqual(await refused(makeDevice('bad', wireguard)), [400, 'INVALID_ARGUMENT', ...expected]);
  for (const wireguard of [
    { publicKey: 'AAAA' },
    { publicKey, presharedKey: 'AAAA' },
    { publicKey, persistentKeepaliveSeconds: 65_536 },
    { publicKey, networks: Array.from({ length: 65 }, (_, i) => `192.168.${i}.0/24`) },
  ]) {
    const answer = await makeDevice('bad', wireguard);
    assert.deepEqual([answer.status, answer.json.reason], [400, 'INVALID_ARGUMENT'], JSON.stringify(answer.json));
    assert.match(answer.json.violations[0].field, /^device\.wireguard\./);
  }
});

test('two devices with one copied key are refused, also at the same moment, and nobody learns whose it is elsewhere', async () => {
  const { publicKey } = keyPair();
  assert.equal((await makeDevice('uno', { publicKey })).status, 201);
  const copied = await makeDevice('due', { publicKey });
  assert.deepEqual([copied.status, copied.json.reason], [409, 'WIREGUARD_KEY_TAKEN']);
  assert.match(copied.json.detail, /is that of device "uno"/);
  // Of two tenants, which share nothing but the key.
  for (let i = 0; i < 5; i++) {
    const key = keyPair().publicKey;
    const both = await Promise.all(['acme', 'other'].map((tenant) => makeDevice(`c${i}`, { publicKey: key }, tenant)));
    assert.deepEqual(both.map(({ status }) => status).sort(), [201, 409]);
  }
  const elsewhere = await makeDevice('spy', { publicKey }, 'other');
  assert.equal(elsewhere.json.reason, 'WIREGUARD_KEY_TAKEN');
  assert.match(elsewhere.json.detail, /another device of the installation/);
  assert.doesNotMatch(elsewhere.json.detail, /uno|due|acme/);
  const asEdge = await send('PATCH', '/v1/wireguard-edge', { publicKey });
  assert.deepEqual([asEdge.status, asEdge.json.reason], [409, 'WIREGUARD_KEY_TAKEN']);
});

test('what lies behind a site lies behind no other, and holds no address of a device', async () => {
  const site = (id: string, ...networks: string[]) => makeDevice(id, { publicKey: keyPair().publicKey, networks });
  assert.equal((await site('site-a', '192.168.1.0/24', '192.168.4.0/22')).status, 201);
  assert.deepEqual((await peerOf('site-a'))?.networks, ['192.168.1.0/24', '192.168.4.0/22']);
  assert.deepEqual(await refused(site('site-b', '192.168.5.0/24')), [409, 'SITE_NETWORK_TAKEN']);
  assert.equal(
    (await makeDevice('site-x', { publicKey: keyPair().publicKey, networks: ['192.168.1.0/24'] }, 'other')).status,
    201,
  );
  const overDevice = await site('site-c', '10.64.0.0/28');
  assert.equal(overDevice.json.reason, 'SITE_NETWORK_TAKEN');
  assert.match(overDevice.json.detail, /is the address of device "/);
  // The other way round: no new device gets an address behind a site.
  const into = await send('POST', DEVICES, { id: 'into', network: 'branch', ipv4Address: '192.168.1.9' });
  assert.deepEqual([into.status, into.json.reason], [409, 'ADDRESS_TAKEN']);
  assert.match(into.json.detail, /lies behind device "site-a"/);
  const branch = (await send('GET', '/v1/tenants/acme/networks/branch')).json;
  const six = `${branch.ipv6Prefix.replace('/64', '')}c0a8:200/120`;
  const patched = await send('PATCH', `${DEVICES}/site-a`, { wireguard: { networks: ['192.168.0.0/23', six] } });
  assert.equal(patched.status, 200, JSON.stringify(patched.json));
  const next = await send('POST', DEVICES, { id: 'next', network: 'branch' });
  assert.equal(next.json.ipv4Address, '192.168.3.0', 'behind what lies behind the site, in both families');
  assert.deepEqual(await refused(send('DELETE', '/v1/tenants/other/networks/branch')), [409, 'NETWORK_NOT_EMPTY']);
  const race = await Promise.all(
    ['r1', 'r2', 'r3'].map((id, i) => {
      const wireguard = { publicKey: keyPair().publicKey, networks: ['192.168.64.0/24'] };
      return send('POST', DEVICES, { id, network: 'office', ipv4Address: `10.64.0.${200 + i}`, wireguard });
    }),
  );
  assert.deepEqual(race.map(({ status }) => status).sort(), [201, 409, 409], 'at the same moment, too');
});

test('devices of one site may have the same networks, those of another one may not', async () => {
  const networks = ['192.168.200.0/24'];
  const device = (id: string, more: object) => makeDevice(id, { publicKey: keyPair().publicKey, networks, ...more });
  const first = await device('ber-1', { site: 'berlin', probe: '192.168.200.1' });
  assert.equal(first.status, 201, JSON.stringify(first.json));
  assert.deepEqual([first.json.wireguard.site, first.json.wireguard.probe], ['berlin', '192.168.200.1']);
  assert.equal((await device('ber-2', { site: 'berlin', metric: 10 })).status, 201);
  const { site, metric, probe } = (await peerOf('ber-2')) as WireguardPeer;
  assert.deepEqual([site, metric, probe, (await peerOf('ber-1'))?.probe], ['berlin', 10, '', '192.168.200.1']);
  for (const more of [{}, { site: 'bonn' }]) {
    const taken = await device('bonn', more);
    assert.deepEqual([taken.status, taken.json.reason], [409, 'SITE_NETWORK_TAKEN']);
    assert.match(
      taken.json.detail,
      /lies behind device "ber-1" already: devices of one site say so \(wireguard\.site\)$/,
    );
  }
  const leaves = send('PATCH', `${DEVICES}/ber-2`, { wireguard: { site: 'bonn' } });
  assert.deepEqual(await refused(leaves), [409, 'SITE_NETWORK_TAKEN']);
  assert.equal((await device('ber-3', { site: 'berlin', networks: ['192.168.200.0/25'] })).status, 201);
});

test('what says how a site is reached is checked, field by field', async () => {
  const field = (name: string, description: string) => `device.wireguard.${name}: ${description}`;
  const networks = ['192.168.201.0/24'];
  for (const [more, expected] of [
    [{ site: 'rome' }, field('site', 'is of a device with networks behind it: give `networks`, too')],
    [{ networks, metric: 1 }, field('metric', 'chooses between devices of one site: give `site`, too')],
    [{ networks, probe: '10.64.0.9' }, field('probe', '10.64.0.9 lies in none of the networks behind the device')],
  ] as const)
    assert.deepEqual(await refused(makeDevice('rome', { publicKey: keyPair().publicKey, ...more })), [
      ...[400, 'INVALID_ARGUMENT'],
      expected,
    ]);
  for (const more of [{ site: 'A B' }, { metric: 256 }, { probe: 'router' }])
    assert.equal((await makeDevice('rome', { publicKey: keyPair().publicKey, networks, ...more })).status, 400);
});

test('workers begin at public addresses, and where an operator says so, but never at the edge itself', async () => {
  let made = 0;
  const said = async (endpoint: string): Promise<string> => {
    const answer = await makeDevice(`far-${made++}`, { publicKey: keyPair().publicKey, endpoint });
    return answer.status === 201 ? 'taken' : String(answer.json.violations?.[0]?.description ?? answer.json.reason);
  };
  const { endpointRanges } = (await send('GET', '/v1/wireguard-edge')).json;
  assert.equal(endpointRanges, undefined);
  assert.match(await said('10.20.0.9:1'), /^is private, and workers begin only at public addresses/);
  assert.match(await said('[fd12::9]:1'), /^is private/);
  const ranges = ['10.20.0.0/16', 'FD12::/16'];
  const set = await send('PATCH', '/v1/wireguard-edge', { endpointRanges: ranges });
  assert.deepEqual(set.json.endpointRanges, ['10.20.0.0/16', 'fd12::/16'], JSON.stringify(set.json));
  assert.equal(await said('10.20.0.9:1'), 'taken');
  assert.match(await said('10.21.0.9:1'), /^is private/);
  await send('POST', '/v1/pops', { id: 'ams', addresses: ['203.0.113.77'] });
  await send('POST', '/v1/prefixes', { id: 'any', prefix: '203.0.114.0/24' });
  for (const own of ['192.0.2.1:9', '203.0.113.77:9', '203.0.114.5:9'])
    assert.equal(await said(own), "is the edge's own: give the device's", own);
  const field = 'edge.endpoint_ranges[0]';
  assert.deepEqual(await refused(send('PATCH', '/v1/wireguard-edge', { endpointRanges: ['0.0.0.0/0'] })), [
    ...[400, 'INVALID_ARGUMENT'],
    `${field}: holds addresses of “this network”, where no worker ever begins`,
  ]);
});

test('a site and a device that are made at the same moment do not get into each other', async () => {
  for (let i = 100; i < 110; i++) {
    const [site, device] = await Promise.all([
      makeDevice(`s${i}`, { publicKey: keyPair().publicKey, networks: [`192.168.${i}.0/24`] }),
      send('POST', DEVICES, { id: `d${i}`, network: 'branch', ipv4Address: `192.168.${i}.7` }),
    ]);
    assert.deepEqual([site.status, device.status].sort(), [201, 409], JSON.stringify([site.json, device.json]));
  }
});

test('who is revoked or deleted is nobody for workers, and its key stays taken until it is deleted', async () => {
  const { publicKey } = keyPair();
  const { peerNumber } = (await makeDevice('lost', { publicKey })).json.wireguard;
  assert.equal((await send('POST', `${DEVICES}/lost/revoke`, { reason: 'lost' })).status, 200);
  assert.equal(await peerOf('lost'), undefined);
  await send('PATCH', `${DEVICES}/lost`, { wireguard: { persistentKeepaliveSeconds: 5 } });
  assert.equal(await peerOf('lost'), undefined, 'a change does not bring it back');
  assert.deepEqual(await refused(makeDevice('thief', { publicKey })), [409, 'WIREGUARD_KEY_TAKEN']);
  await send('DELETE', `${DEVICES}/lost`);
  assert.equal((await makeDevice('next-owner', { publicKey })).status, 201);
  const held = await copy.app.stores.config.get(`_system.lease.peer.${peerNumber}`);
  assert.ok(held !== undefined, 'its number is held');
});

test('a revocation that another copy left half done ends the peer, too', async () => {
  await makeDevice('half', { publicKey: keyPair().publicKey });
  await copy.app.stores.revocations.commit([
    {
      key: RevocationKey.device('acme', 'half'),
      value: toBinary(RevocationSchema, create(RevocationSchema, { tenant: 'acme', device: 'half' })),
    },
  ]);
  await eventually(
    async () => ((await peerOf('half')) === undefined ? true : undefined),
    'the sweeper ends it',
    30_000,
  );
});

test('a narrower rule of endpoints: who breaks it says so, is begun at no more, and changes otherwise all the same', async () => {
  const path = '/v1/wireguard-edge';
  const { endpointRanges: before = [] } = (await send('GET', path)).json;
  const rule = async (endpointRanges: string[]) =>
    assert.equal((await send('PATCH', path, { endpointRanges })).status, 200);
  await rule(['10.20.0.0/16']);
  const wireguard = { publicKey: keyPair().publicKey, endpoint: '10.20.0.9:51820' };
  assert.equal((await makeDevice('placed', wireguard)).status, 201);
  const refusal = async () => (await send('GET', `${DEVICES}/placed`)).json.wireguard.endpointRefusal;
  assert.equal(await refusal(), undefined);
  await rule(['10.21.0.0/16']);
  assert.match(await refusal(), /^is private, and workers begin only at public addresses and in the ranges/);
  const { devices } = (await send('GET', `${DEVICES}?page.size=1000`)).json;
  const listed = devices.find(({ id }: { id: string }) => id === 'placed');
  assert.equal(listed.wireguard.endpointRefusal, await refusal(), 'in lists, too');
  const patch = (wanted: object) => send('PATCH', `${DEVICES}/placed`, { wireguard: wanted as never });
  const kept = await patch({ persistentKeepaliveSeconds: 5 });
  assert.deepEqual([kept.status, kept.json.wireguard.endpoint], [200, '10.20.0.9:51820']);
  assert.match(String((await refused(patch({ endpoint: '10.20.0.8:51820' })))[2]), /endpoint: is private/);
  await send('POST', '/v1/pops', { id: 'placed', addresses: ['198.51.100.77'] });
  assert.equal((await patch({ endpoint: '[2001:db8:77::9]:51820' })).status, 200);
  assert.equal(await refusal(), undefined);
  await send('PATCH', '/v1/pops/placed', { addresses: ['2001:db8:77::9'] });
  assert.match(await refusal(), /^is the edge's own/);
  await send('DELETE', '/v1/pops/placed');
  await rule(before);
});

test('another key of the edge: the one before is kept, and each device says which one its preshared key is sealed to', async () => {
  const path = '/v1/wireguard-edge';
  const [newest, third] = [keyPair().publicKey, keyPair().publicKey];
  const wired = async (id: string, wireguard: object) => (await makeDevice(id, wireguard)).json.wireguard;
  const one = await wired('sealed-before', { publicKey: keyPair().publicKey, presharedKey });
  assert.equal(one.presharedKeySealedTo, edge.publicKey);
  const whole = (await send('GET', path)).json;
  const changed = (await send('PATCH', path, { publicKey: newest })).json;
  assert.deepEqual([changed.publicKey, changed.previousPublicKey], [newest, edge.publicKey]);
  const two = await wired('sealed-after', { publicKey: keyPair().publicKey, presharedKey });
  assert.equal(two.presharedKeySealedTo, newest);
  const patch = async (wireguard: object) =>
    (await send('PATCH', `${DEVICES}/sealed-before`, { wireguard: wireguard as never })).json.wireguard;
  assert.equal((await patch({ persistentKeepaliveSeconds: 5 })).presharedKeySealedTo, edge.publicKey);
  assert.equal((await patch({ presharedKeySealedTo: newest })).presharedKeySealedTo, edge.publicKey, 'not to be said');
  assert.equal((await patch({ presharedKey })).presharedKeySealedTo, newest);
  assert.deepEqual(
    [await patch({ presharedKey: '' })].map(({ presharedKeySealedTo: to, hasPresharedKey: has }) => [to, has]),
    [[undefined, undefined]],
  );
  for (const key of [newest, edge.publicKey])
    assert.match(String((await refused(makeDevice('edge-like', { publicKey: key })))[2]), /is the edge's own/);

  assert.deepEqual(await refused(send('PATCH', path, { publicKey: third })), [409, 'WIREGUARD_KEY_OVERLAP']);
  const field = (text: string) => [400, 'INVALID_ARGUMENT', `edge.previous_public_key: ${text}`];
  for (const [body, text] of [
    [{ previousPublicKey: newest }, 'is the same as public_key: leave it out'],
    [{ previousPublicKey: wireguardKeyText(new Uint8Array(32)) }, 'is no key that anybody can have the private key of'],
  ] as const)
    assert.deepEqual(await refused(send('PATCH', path, body)), field(text));
  const ofDevice = await send('PATCH', path, { previousPublicKey: two.publicKey });
  assert.deepEqual([ofDevice.status, ofDevice.json.reason], [409, 'WIREGUARD_KEY_TAKEN']);
  // Back: both change places.
  const back = (await send('PATCH', path, { publicKey: edge.publicKey })).json;
  assert.deepEqual([back.publicKey, back.previousPublicKey], [edge.publicKey, newest]);
  const ended = (await send('PATCH', path, { previousPublicKey: '' })).json;
  assert.deepEqual([ended.publicKey, ended.previousPublicKey], [edge.publicKey, undefined]);
  assert.deepEqual(ended.endpoints, whole.endpoints);
  const named = (await send('PATCH', path, { publicKey: third, previousPublicKey: newest })).json;
  assert.deepEqual([named.publicKey, named.previousPublicKey], [third, newest], 'as it is said');
});

test('nothing of this was the service’s own fault', () => assert.deepEqual(installation.reports, []));
