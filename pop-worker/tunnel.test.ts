import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { contentDigest } from './testing/content.ts';
import { PACKET_BUG } from './testing/packet-bug.ts';
import { deviceOf, EDGE6, INTERNET4, INTERNET6, needsNamespaces, type TestDevice, World } from './testing/world.ts';

const BYTES = 20_000_000;

/** What no worker that carried a download can leave at zero. */
const MOVED = [
  'cloudbridge_udp_datagrams_total{direction="received"}',
  'cloudbridge_udp_bytes_total{direction="sent"}',
  'cloudbridge_udp_messages_total{direction="sent"}',
  'cloudbridge_tun_packets_total{direction="read"}',
  'cloudbridge_tun_bytes_total{direction="written"}',
  'cloudbridge_quic_connections_count{state="confirmed"}',
  'cloudbridge_quic_handshakes_total{result="full"}',
  'cloudbridge_quic_packets_total{direction="sent"}',
  'cloudbridge_http3_requests_total{kind="ip"}',
  'cloudbridge_admissions_total{outcome="admitted"}',
  'cloudbridge_sessions_count',
  'cloudbridge_tenants_count',
  'cloudbridge_forward_packets_total{direction="up"}',
  'cloudbridge_forward_bytes_total{direction="down"}',
  'cloudbridge_nat_connections_total',
  'cloudbridge_worker_state_count{state="ready"}',
  'cloudbridge_worker_resident_bytes',
  'cloudbridge_loop_delay_seconds_count',
];

const serving = async (t: TestContext): Promise<World> => {
  const world = new World(t);
  await world.network();
  await world.configure();
  await world.startWorker();
  return world;
};

const connected = async (world: World, tenant: 'red' | 'blue', n: number, edge?: string): Promise<TestDevice> => {
  const device = await world.connect(deviceOf(tenant, n), edge);
  await device.reports.of('up');
  return device;
};

const received = (text: string): number => Number(/, (\d+) received/.exec(text)?.[1] ?? 0);
const ping = (world: World, device: TestDevice, address: string, ...more: string[]): number => {
  // ping ends with 1 when nothing comes back.
  const script = `ping -c 3 -i 0.05 -W 1 ${[...more, address].join(' ')} || true`;
  return received(world.run(device.namespace, 'sh', '-c', script));
};

/** How many of three pings are answered. With `-c` alone ping waits for the last one only twice the longest round trip. */
const answered = (world: World, device: TestDevice, address: string): number => {
  const text = world.run(device.namespace, 'sh', '-c', `ping -n -c 3 -i 0.05 -w 3 ${address} || true`);
  const sequences = Array.from(text.matchAll(/icmp_seq=(\d+) .*time=/g), ([, sequence]) => Number(sequence));
  return new Set(sequences.filter((sequence) => sequence <= 3)).size;
};

test('a device pings and downloads through its tunnel, over both families', { skip: needsNamespaces }, async (t) => {
  const world = await serving(t);
  const device = await world.connect(deviceOf('red', 2));
  const up = await device.reports.of('up');
  assert.deepEqual(up.addresses, ['10.64.0.2/32', 'fd00:1::2/128']);
  assert.ok(up.mtu >= 1280, `an inner packet of 1280 bytes fits: ${up.mtu}`);
  assert.equal(answered(world, device, INTERNET4), 3);
  assert.equal(answered(world, device, INTERNET6), 3);
  const results = await world.download(
    device.namespace,
    `http://${INTERNET4}:8000/1/${BYTES}`,
    `http://[${INTERNET6}]:8000/2/${BYTES}`,
  );
  assert.deepEqual(
    results.map(({ digest }) => digest),
    [contentDigest(1, BYTES), contentDigest(2, BYTES)],
  );
  // The worker's own addresses stand for those of the device.
  assert.deepEqual(world.askedFrom.toSorted(), ['2001:db8:f::1', '203.0.113.1']);
  for (const series of MOVED) assert.ok((await world.metric(series)) > 0, series);
});

test('`cloudbridge connect` has a tunnel and proxies through a worker', { skip: needsNamespaces }, async (t) => {
  const world = await serving(t);
  const routes = ['--route', '203.0.113.0/24', '--route', '2001:db8:f::/64'];
  const tunnel = await world.connectByCommand(deviceOf('red', 2), '--tun', 'cb0', ...routes);
  const proxy = await world.connectByCommand(deviceOf('blue', 2), '--socks', '1080');
  await world.until('the tunnel is up', () => tunnel.lines.some((line) => line.includes('"type":"tunnel"')));
  const results = await world.download(
    tunnel.namespace,
    `http://${INTERNET4}:8000/1/${BYTES}`,
    `http://[${INTERNET6}]:8000/2/${BYTES}`,
  );
  assert.deepEqual(
    results.map(({ digest }) => digest),
    [contentDigest(1, BYTES), contentDigest(2, BYTES)],
  );
  await world.until('the proxy listens', () => proxy.lines.some((line) => line.includes('"type":"listening"')));
  const socks = ['--socks5-hostname', '127.0.0.1:1080', `http://${INTERNET4}:8000/3/${BYTES}`];
  const script = `curl -s --max-time 30 ${socks.join(' ')} | sha256sum`;
  assert.equal((await world.exec(proxy.namespace, 'sh', '-c', script)).split(' ')[0], contentDigest(3, BYTES));
  assert.equal(await world.metric('cloudbridge_http3_requests_total{kind="tcp"}'), 1);
});

test('two tenants with the same inner address download at once, each its own bytes', {
  skip: needsNamespaces,
}, async (t) => {
  const world = await serving(t);
  const red = await connected(world, 'red', 2);
  const blue = await connected(world, 'blue', 2, EDGE6);
  const urls = (seed: number): string[] => [0, 1, 2].map((i) => `http://${INTERNET4}:8000/${seed + i}/${BYTES / 2}`);
  const [a, b] = await Promise.all([
    world.download(red.namespace, ...urls(10)),
    world.download(blue.namespace, ...urls(20)),
  ]);
  const digests = (seed: number): string[] => [0, 1, 2].map((i) => contentDigest(seed + i, BYTES / 2));
  assert.deepEqual(
    a.map(({ digest }) => digest),
    digests(10),
  );
  assert.deepEqual(
    b.map(({ digest }) => digest),
    digests(20),
  );
  // Neighbours of one tenant reach each other; nobody reaches the other tenant.
  const redder = await connected(world, 'red', 3);
  for (const device of [red, redder]) {
    for (const route of ['10.64.0.0/10', 'fd00:1::/48', 'fd00:2::/48']) {
      world.run(device.namespace, 'ip', 'route', 'add', route, 'dev', 'tun0');
    }
  }
  for (const [device, n] of [
    [red, 3],
    [redder, 2],
  ] as const) {
    assert.equal(answered(world, device, `10.64.0.${n}`), 3);
    assert.equal(answered(world, device, `fd00:1::${n}`), 3);
    assert.equal(ping(world, device, 'fd00:2::2'), 0);
  }
  const foreign = 'cloudbridge_forward_dropped_packets_total{reason="destination_refused"}';
  assert.equal(await world.metric(foreign), 6);
});

test('a foreign source address is dropped and counted', { skip: needsNamespaces }, async (t) => {
  const world = await serving(t);
  const device = await connected(world, 'red', 2);
  world.run(device.namespace, 'ip', 'address', 'add', '10.64.0.9/32', 'dev', 'tun0');
  assert.equal(ping(world, device, INTERNET4, '-I', '10.64.0.9'), 0);
  assert.equal(await world.metric('cloudbridge_forward_dropped_packets_total{reason="source_address"}'), 3);
  assert.equal(answered(world, device, INTERNET4), 3);
  // What nobody may reach, with and without the data plane's own list: the worker's other services.
  world.run(device.namespace, 'ip', 'route', 'add', '169.254.0.0/16', 'dev', 'tun0');
  assert.equal(ping(world, device, '169.254.169.254'), 0);
  const refused = 'cloudbridge_forward_dropped_packets_total{reason="destination_refused"}';
  assert.equal(await world.metric(refused), 3);
  const answer = await world
    .exec(device.namespace, 'curl', '-s', '--max-time', '1', 'http://203.0.113.1:9464/metrics')
    .catch((error: { code: number }) => error.code);
  assert.equal(answer, 28, 'curl timed out');
  assert.ok((await world.metric('cloudbridge_nat_dropped_packets_total{reason="to_worker"}')) > 0);
});

test('a revocation stops the packets of its device and of no other', { skip: needsNamespaces }, async (t) => {
  const world = await serving(t);
  const one = await connected(world, 'red', 2);
  const other = await connected(world, 'red', 3);
  assert.equal(answered(world, one, INTERNET4), 3);
  world.revoke([{ tenant: 'red', device: 'red2' }]);
  assert.match((await one.reports.of('tunnel-closed')).reason, /./);
  assert.equal(ping(world, one, INTERNET4), 0);
  assert.equal(answered(world, other, INTERNET4), 3);
  const again = await world.connect(deviceOf('red', 2));
  assert.equal((await again.reports.of('refused')).status, 403);
  world.revoke([]);
  await world.until('the revocations were read', () => world.log.join('').split('read again').length === 3);
  await connected(world, 'red', 2);
  assert.equal(await world.metric('cloudbridge_admissions_total{outcome="forbidden"}'), 1);
});

test('who has no right token is refused', { skip: needsNamespaces }, async (t) => {
  const world = await serving(t);
  const expired = await world.connect({ ...deviceOf('red', 2), expiresInSeconds: -100 });
  assert.equal((await expired.reports.of('refused')).status, 401);
  const nobody = await world.connect({ ...deviceOf('red', 3), tenant: 'green' });
  assert.equal((await nobody.reports.of('refused')).status, 403);
  const inside = await world.connect({ ...deviceOf('red', 4), egress: false });
  await inside.reports.of('up');
  assert.equal(ping(world, inside, INTERNET4), 0);
  assert.equal(await world.metric('cloudbridge_forward_dropped_packets_total{reason="egress_not_allowed"}'), 3);
});

test('a bug that one packet meets is told, and ends neither the worker nor a session', {
  skip: needsNamespaces,
}, async (t) => {
  const world = new World(t);
  await world.network();
  await world.configure();
  await world.startWorker(['--import', fileURLToPath(new URL('testing/packet-bug.ts', import.meta.url))]);
  const device = await connected(world, 'red', 2);
  assert.equal(ping(world, device, INTERNET4, '-p', PACKET_BUG), 0);
  assert.equal(answered(world, device, INTERNET4), 3);
  assert.equal(await world.metric('cloudbridge_faults_total{ended="packet"}'), 3);
  const told = world.log.join('').match(/a bug of CloudBridge was met[^\n]*/g) ?? [];
  assert.equal(told.length, 1, 'once for the same');
  assert.match(told[0] ?? '', /TypeError: injected.*fromOutside/);
});
