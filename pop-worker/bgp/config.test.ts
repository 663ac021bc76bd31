import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { Role } from '#protocol/bgp/wire/capabilities/definition.ts';
import { Family } from '#protocol/bgp/wire/families.ts';
import { BgpFile } from '#settings/bgp-file.ts';
import { besideOf } from './beside.ts';
import { neighboursOf, threadOptionsOf } from './config.ts';

const fileWith = (neighbor: object, more: object = {}): BgpFile =>
  BgpFile.parse({
    as: 64512,
    router_id: '192.0.2.2',
    neighbor: [{ address: '192.0.2.1', as: 64500, ...neighbor }],
    ...more,
  });

const neighbourWith = (neighbor: object, file = '/etc/x.toml') => {
  const [first] = neighboursOf(fileWith(neighbor), file);
  assert.ok(first !== undefined);
  return first;
};

test('hop limits: 1 for external neighbours, 64 for internal ones; GTSM sends 255 and takes what is as near (RFC 5082)', () => {
  const hops = (neighbor: object) => {
    const { hopLimit, leastHopLimit } = neighbourWith(neighbor).tcp;
    return [hopLimit, leastHopLimit];
  };
  assert.deepEqual(hops({}), [1, 0]);
  assert.deepEqual(hops({ as: 64512 }), [64, 0]);
  assert.deepEqual(hops({ hop_limit: 5 }), [5, 0]);
  assert.deepEqual(hops({ gtsm_hops: 1 }), [255, 255]);
  assert.deepEqual(hops({ gtsm_hops: 3 }), [255, 253]);
});

test('graceful restart is off unless it is asked for, and we have nothing of our own to keep', () => {
  const off = neighbourWith({ long_lived_seconds: 60 }).session.capabilities;
  assert.deepEqual([off.gracefulRestart, off.longLived], [undefined, []]);
  const on = neighbourWith({ graceful_restart: true, long_lived_seconds: 60 }).session.capabilities;
  assert.deepEqual(on.gracefulRestart?.families, []);
  assert.deepEqual(
    on.longLived.map(({ family, staleTimeS, isForwarding }) => [family, staleTimeS, isForwarding]),
    [
      [Family.ipv4Unicast, 60, false],
      [Family.ipv6Unicast, 60, false],
    ],
  );
});

test('what is asked for becomes capabilities and timers', () => {
  const { session, routes } = neighbourWith({
    role: 'customer',
    add_path: 'receive',
    extended_next_hop: true,
    extended_messages: false,
    hold_seconds: 300,
    local_as: 64999,
    max_prefixes: { 'ipv6-unicast': 9 },
  });
  const { capabilities } = session;
  assert.equal(capabilities.role, Role.customer);
  assert.deepEqual(capabilities.addPath[0], { family: Family.ipv4Unicast, receives: true, sends: false });
  assert.deepEqual(capabilities.extendedNextHop, [Family.ipv4Unicast]);
  assert.equal(capabilities.extendedMessages, false);
  assert.deepEqual([session.localAs, capabilities.fourOctetAs], [64999, 64999]);
  assert.equal(session.sendHoldUs, 600e6, 'twice the hold time (RFC 9687)');
  assert.equal(neighbourWith({}).session.sendHoldUs, 480e6);
  assert.equal(neighbourWith({ send_hold_seconds: 0 }).session.sendHoldUs, 0);
  assert.equal(session.identifier, 0xc0000202);
  assert.equal(routes.limits.find(({ family }) => family === Family.ipv6Unicast)?.paths, 9);
});

test('limits of prefixes: by what the neighbour is to us, unless they are written; 0 is none', () => {
  const limits = (neighbor: object): (number | undefined)[] => {
    const all = neighbourWith(neighbor).routes.limits;
    const { ipv4Unicast, ipv6Unicast, ipv4Flow, ipv6Flow } = Family;
    return [ipv4Unicast, ipv6Unicast, ipv4Flow, ipv6Flow].map(
      (wanted) => all.find((one) => one.family === wanted)?.paths,
    );
  };
  const full = [1_500_000, 400_000, 10_000, 10_000];
  assert.deepEqual(limits({}), full);
  assert.deepEqual(limits({ role: 'customer' }), full, 'it is our provider');
  assert.deepEqual(limits({ role: 'provider' }), [1000, 1000, 10_000, 10_000], 'it is our customer');
  assert.deepEqual(limits({ role: 'peer' }).slice(0, 2), [200_000, 100_000]);
  assert.deepEqual(limits({ role: 'route-server' }).slice(0, 2), [100_000, 50_000]);
  assert.deepEqual(limits({ role: 'route-server-client' }).slice(0, 2), [500_000, 200_000]);
  const written = { 'ipv4-unicast': 7, 'ipv6-unicast': 0, 'ipv4-flow': 5 };
  assert.deepEqual(limits({ max_prefixes: written }), [7, undefined, 5, 10_000]);
});

test('keys are read from files beside the configuration, that nobody else may read', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-bgp-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, 'key'), 'secret\n', { mode: 0o600 });
  const file = path.join(folder, 'bgp.toml');
  const { tcp } = neighbourWith({ md5_key_file: 'key' }, file);
  assert.deepEqual(tcp.authentication, { type: 'md5', key: new TextEncoder().encode('secret') });
  const ao = neighbourWith({ ao: { key_file: 'key', send_id: 1, receive_id: 2 } }, file).tcp.authentication;
  assert.ok(ao?.type === 'ao' && ao.algorithm === 'hmac-sha-1-96' && ao.receiveId === 2);
  chmodSync(path.join(folder, 'key'), 0o644);
  assert.throws(() => neighbourWith({ md5_key_file: 'key' }, file), /may be read or changed by others/);
});

test('where it listens, and its own routes', () => {
  const file = fileWith(
    {},
    {
      listen: ['[::1]:1179'],
      originate: [{ prefix: '198.51.100.0/24', communities: ['64512:7'], large_communities: ['1:2:3'], med: 5 }],
    },
  );
  const { listen, routes } = threadOptionsOf(file, 'bgp.toml');
  assert.deepEqual(listen, [{ address: '::1', port: 1179 }]);
  assert.deepEqual(routes.originate, [
    { prefix: '198.51.100.0/24', med: 5, communities: [[64512, 7]], largeCommunities: [[1, 2, 3]] },
  ]);
  assert.equal(routes.clusterId, 0xc0000202);
});

test('RPKI caches: what a router needs of them', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-rpki-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(path.join(folder, 'key'), 'secret\n', { mode: 0o600 });
  const caches = [
    { address: '192.0.2.10', md5_key_file: 'key', preference: 0, retry_seconds: 5 },
    { name: 'second', address: '2001:db8::10', port: 8282, local_address: '2001:db8::2' },
  ];
  const file = fileWith({}, { rpki: { caches } });
  const { rpki: read } = besideOf(file, folder);
  assert.deepEqual(
    read.map(({ name, address, port, preference, localAddress, intervals }) => [
      ...[name, address, port, preference, localAddress],
      ...Object.values(intervals),
    ]),
    [
      ['192.0.2.10', '192.0.2.10', 323, 0, undefined, 3600, 5, 7200],
      ['second', '2001:db8::10', 8282, 1, '2001:db8::2', 3600, 600, 7200],
    ],
  );
  assert.deepEqual(read[0]?.tcp.authentication, { type: 'md5', key: new TextEncoder().encode('secret') });
  assert.equal(read[1]?.tcp.authentication, undefined);
});

test('BMP stations and MRT files: what a speaker needs of them', () => {
  const stations = [{ address: '192.0.2.20', port: 11019 }];
  const file = fileWith({}, { bmp: { sys_name: 'edge', stations }, mrt: { directory: 'mrt' } });
  const { bmp, mrt } = besideOf(file, '/etc/cloudbridge');
  const [station] = bmp;
  assert.deepEqual(
    [station?.name, station?.views, station?.sysName, station?.retryS, station?.mostBytes],
    ['192.0.2.20', ['adj-rib-in-pre', 'loc-rib'], 'edge', 30, 16 * 1024 * 1024],
  );
  assert.deepEqual(mrt, {
    ...{ directory: '/etc/cloudbridge/mrt', tableS: 7200, updates: true, rotateS: 900 },
    ...{ mostBytes: 256 * 1024 * 1024, keep: 96 },
  });
  assert.equal(besideOf(fileWith({}), '/').mrt, undefined);
});
