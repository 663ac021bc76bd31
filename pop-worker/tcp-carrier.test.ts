import assert from 'node:assert/strict';
import test, { type TestContext } from 'node:test';
import { deviceOf, INTERNET4, INTERNET6, needsNamespaces, World } from './testing/world.ts';

const ROUTES = ['--tun', 'cb0', '--route', '10.64.0.0/10', '--route', '203.0.113.0/24', '--route', '2001:db8:f::/48'];

interface Line {
  readonly type: string;
  readonly carrier?: string;
  readonly mtu?: number;
  readonly addresses?: readonly string[];
}

/** A worker that no UDP of devices gets to, until `pass`. */
const blocked = async (t: TestContext) => {
  const world = new World(t);
  await world.network();
  await world.configure({});
  const nft = (...words: string[]): string => world.run(world.workerNamespace, 'nft', ...words);
  nft('add table inet blocked; add chain inet blocked in { type filter hook input priority 0; }');
  nft('add rule inet blocked in udp dport 443 counter drop');
  await world.startWorker();
  return { world, pass: () => nft('delete table inet blocked') };
};

const events = (lines: readonly string[], type: string): Line[] =>
  lines.map((line) => JSON.parse(line) as Line).filter((line) => line.type === type);

/** How many of three pings are answered. */
const answered = async (world: World, namespace: string, address: string, bytes = 56): Promise<number> => {
  const command = `ping -n -c 3 -i 0.05 -w 3 -s ${bytes} -M do ${address} || true`;
  return Array.from((await world.exec(namespace, 'sh', '-c', command)).matchAll(/icmp_seq=\d+ .*time=/g)).length;
};

test('where no UDP gets through a device comes by TCP, with the addresses that it has', {
  skip: needsNamespaces,
}, async (t) => {
  const { world } = await blocked(t);
  const { namespace, lines, ended, stop } = await world.connectByCommand(deviceOf('red', 2), ...ROUTES);
  await world.until('it has its tunnel', async () => events(lines, 'tunnel').length > 0);
  const [tunnel] = events(lines, 'tunnel');
  assert.deepEqual([events(lines, 'connected')[0]?.carrier, tunnel?.mtu], ['tcp', 1500]);
  assert.deepEqual(tunnel?.addresses, ['10.64.0.2/32', 'fd00:1::2/128']);
  assert.equal(await answered(world, namespace, INTERNET4), 3);
  assert.equal(await answered(world, namespace, INTERNET6), 3);
  const other = await world.connectByCommand(deviceOf('red', 3), ...ROUTES);
  await world.until('another has its tunnel', async () => events(other.lines, 'tunnel').length > 0);
  assert.equal(await answered(world, other.namespace, '10.64.0.2'), 3, 'between two that come by TCP');
  const [file] = await world.download(namespace, `http://${INTERNET4}:8000/1/5000000`);
  assert.equal(file?.bytes, 5_000_000);
  assert.equal(await world.metric('cloudbridge_http2_connections_count'), 2);
  assert.equal(await world.metric('cloudbridge_http2_requests_total{kind="ip"}'), 2);
  assert.ok((await world.metric('cloudbridge_http2_handshakes_total{outcome="complete"}')) >= 2);
  stop();
  assert.match(await ended, /^0/);
});

test('proxies go by TCP too; a drain sends devices away, a revocation ends them', {
  skip: needsNamespaces,
}, async (t) => {
  const { world } = await blocked(t);
  const device = await world.connectByCommand(deviceOf('red', 2), '--socks', '1080');
  await world.until('it is connected', async () => events(device.lines, 'connected').length > 0);
  const curl = ['curl', '-sS', '--socks5-hostname', '127.0.0.1:1080', `http://${INTERNET4}:8000/1/1000000`];
  const text = await world.exec(device.namespace, ...curl, '-o', '/dev/null', '-w', '%{size_download}');
  assert.equal(text, '1000000');
  world.revoke([{ tenant: 'red', device: 'red2' }]);
  assert.match(await device.ended, /refuses this device/);
});

test('a worker that is killed is noticed at once, and the device is back as soon as it is', {
  skip: needsNamespaces,
}, async (t) => {
  const { world } = await blocked(t);
  const { lines, namespace } = await world.connectByCommand(deviceOf('red', 2), ...ROUTES);
  await world.until('it has its tunnel', async () => events(lines, 'tunnel').length > 0);
  await world.endWorker('SIGKILL');
  const killed = performance.now();
  await world.until('it is noticed', async () => events(lines, 'disconnected').length > 0);
  assert.ok(performance.now() - killed < 1000);
  await world.startWorker();
  await world.until('it is back', async () => events(lines, 'connected').length > 1);
  await world.until('packets pass', async () => (await answered(world, namespace, INTERNET4)) === 3);
});

test('segments that vanish are noticed within seconds, and the device comes back with its addresses', {
  skip: needsNamespaces,
}, async (t) => {
  const { world } = await blocked(t);
  const { lines, namespace } = await world.connectByCommand(deviceOf('red', 2), ...ROUTES);
  await world.until('it has its tunnel', async () => events(lines, 'tunnel').length > 0);
  world.run(world.workerNamespace, 'nft', 'add rule inet blocked in tcp dport 443 counter drop');
  const cut = performance.now();
  await world.until('it is noticed', async () => events(lines, 'disconnected').length > 0);
  assert.ok(performance.now() - cut < 6000, 'asked each second, given up after 2.4 s');
  world.run(world.workerNamespace, 'nft', 'delete table inet blocked');
  await world.until('it is back', async () => events(lines, 'connected').length > 1);
  await world.until('packets pass', async () => (await answered(world, namespace, INTERNET4)) === 3);
});
