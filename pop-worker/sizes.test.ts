import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { ROUTABLE_CID_BYTES } from '#dataplane/exchange/cids.ts';
import { DEFAULT_ENDPOINT_CONFIG } from '#protocol/quic/config.ts';
import { deviceOf, INTERNET4, INTERNET6, needsNamespaces, type TestDevice, World } from './testing/world.ts';

/** Packets that come to the internet host from addresses that are nobody's there: carriers, tenants, the data plane itself. */
const MARTIANS = `table inet seen {
  counter martian { }
  chain input { type filter hook input priority raw; ip saddr 100.64.0.0/10 counter name martian; ip6 saddr fc00::/7 counter name martian; }
}`;

/** What the worker sends a device in one packet is larger than the reverse: the device's connection IDs are shorter. */
const downMtu = ({ mtu }: { readonly mtu: number }): number =>
  mtu + ROUTABLE_CID_BYTES - DEFAULT_ENDPOINT_CONFIG.cidBytes;

/** As large packets as links carry reach the data plane, which has to fit them into tunnels. */
const serving = async (t: TestContext): Promise<World> => {
  const world = new World(t);
  await world.network();
  await world.configure({ tun: 'mtu = 1500' });
  await world.startWorker();
  world.run(world.internetNamespace, 'nft', MARTIANS);
  return world;
};

const martians = (world: World): number => {
  const text = world.run(world.internetNamespace, 'nft', 'list', 'counter', 'inet', 'seen', 'martian');
  return Number(/packets (\d+)/.exec(text)?.[1]);
};

const connected = async (world: World, n: number, mtu?: number): Promise<TestDevice & { readonly mtu: number }> => {
  const device = await world.connect(deviceOf('red', n), undefined, undefined, world.clientNamespace(mtu));
  const { mtu: tunnelMtu } = await device.reports.of('up');
  return { ...device, mtu: tunnelMtu };
};

/** @param bytes of the IP packet */
const ping = (world: World, { namespace }: TestDevice, address: string, bytes: number, ...more: string[]): string => {
  const payload = bytes - (address.includes(':') ? 48 : 28);
  const words = ['ping', '-c', '3', '-i', '0.1', '-W', '1', '-s', String(payload), ...more, address];
  return world.run(namespace, 'sh', '-c', `${words.join(' ')} 2>&1 || true`);
};
const received = (text: string): number => Number(/, (\d+) received/.exec(text)?.[1] ?? 0);

/** What the internet host knows of the path to the worker, 0 when nothing special. */
const pathMtu = (world: World, address: string): number =>
  Number(/mtu (\d+)/.exec(world.run(world.internetNamespace, 'ip', 'route', 'get', address))?.[1] ?? 0);

/** A host of the internet that answers each datagram with one of 1500 bytes, DF set as Linux does. */
const answering = async (t: TestContext, world: World): Promise<void> => {
  const script = `const d = require('dgram').createSocket('udp4');
    d.on('message', (_, from) => d.send(Buffer.alloc(1472), from.port, from.address, () => {}));
    d.bind(7000, () => console.log('up'));`;
  const child = spawn('ip', ['netns', 'exec', world.internetNamespace, process.execPath, '-e', script]);
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
};

/** Asks until an answer of that many bytes has come. */
const ask = (world: World, { namespace }: TestDevice, bytes: number): Promise<string> => {
  const script = `const d = require('dgram').createSocket('udp4');
    d.on('message', (m) => { if (m.length === ${bytes}) { console.log('came'); process.exit(); } });
    setInterval(() => d.send('x', 7000, '${INTERNET4}'), 200);
    setTimeout(() => process.exit(), 10000);`;
  return world.exec(namespace, process.execPath, '-e', script);
};

test('a packet from outside that is too large comes in fragments, or its sender hears how large it may be', {
  skip: needsNamespaces,
}, async (t) => {
  const world = await serving(t);
  const device = await connected(world, 2);
  assert.ok(device.mtu < 1500);
  // Linux answers pings without DF: the worker has to fragment, and nobody needs to be told.
  assert.equal(received(ping(world, device, INTERNET4, 1500)), 3);
  assert.equal(await world.metric('cloudbridge_forward_fragmented_packets_total'), 3);
  assert.equal(pathMtu(world, '203.0.113.1'), 0);
  await answering(t, world);
  assert.equal(
    (await ask(world, device, 1472)).trim(),
    'came',
    'with DF the host makes its own fragments, once it is told',
  );
  assert.equal(pathMtu(world, '203.0.113.1'), downMtu(device));
  // IPv6 is never fragmented on the way: the first is lost and reported.
  assert.equal(received(ping(world, device, INTERNET6, 1500)), 2);
  assert.equal(pathMtu(world, '2001:db8:f::1'), downMtu(device));
  assert.equal(martians(world), 0, 'errors come from an address that the host can know');
});

test('between devices whose tunnels are of unlike sizes', { skip: needsNamespaces }, async (t) => {
  const world = await serving(t);
  const large = await connected(world, 2);
  const small = await connected(world, 3, 1400);
  assert.ok(small.mtu < large.mtu, `${small.mtu} < ${large.mtu}`);
  for (const device of [large, small]) {
    for (const route of ['10.64.0.0/10', 'fd00:1::/48'])
      world.run(device.namespace, 'ip', 'route', 'add', route, 'dev', 'tun0');
  }
  const bytes = large.mtu;
  assert.equal(received(ping(world, large, '10.64.0.3', bytes, '-M', 'dont')), 3);
  assert.ok((await world.metric('cloudbridge_forward_fragmented_packets_total')) >= 3);
  const told = ping(world, large, '10.64.0.3', bytes, '-M', 'do');
  assert.match(told, /From 100\.64\.0\.1.*Frag needed and DF set \(mtu = 1\d{3}\)|message too long, mtu=1\d{3}/i);
  assert.equal(received(ping(world, large, 'fd00:1::3', bytes)), 2, 'the first is lost and reported');
});

test('what belongs to no connection does not leave with an address that is nobody’s out there', {
  skip: needsNamespaces,
}, async (t) => {
  const world = await serving(t);
  const device = await connected(world, 2);
  // The worker forgets a connection at once that is silent.
  const timeout = '/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established';
  world.run(world.workerNamespace, 'sh', '-c', `echo 1 > ${timeout}`);
  const script = `const s = require('net').connect(8000, '${INTERNET4}', () => console.log('up'));
    process.on('SIGTERM', () => s.resetAndDestroy());`;
  const child = spawn('ip', ['netns', 'exec', device.namespace, process.execPath, '-e', script]);
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  const invalid = () => world.metric('cloudbridge_nat_dropped_packets_total{reason="invalid"}');
  assert.equal(await invalid(), 0);
  const tracked = (): string => world.run(world.workerNamespace, 'cat', '/proc/net/nf_conntrack');
  assert.match(tracked(), /dport=8000/);
  await world.until('the connection is forgotten', () => !tracked().includes('dport=8000'));
  child.kill('SIGTERM');
  await world.until('its end is dropped', async () => (await invalid()) > 0);
  assert.equal(martians(world), 0);
});
