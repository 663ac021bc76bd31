import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deviceOf, INTERNET4, needsNamespaces, World } from './testing/world.ts';

test('a device without a TUN that is revoked loses its connection, with and without an open tunnel, and ends', {
  skip: needsNamespaces,
}, async (t) => {
  const world = new World(t);
  await world.network();
  await world.configure();
  await world.startWorker();
  const connected = async (n: number) => {
    const device = await world.connectByCommand(deviceOf('red', n), '--socks', '1080');
    const curl = (bytes: number, ...more: string[]): Promise<string> =>
      world.exec(
        device.namespace,
        ...['curl', '-sS', '--socks5-hostname', '127.0.0.1:1080', '-o', '/dev/null', '-w', '%{http_code}', ...more],
        `http://${INTERNET4}:8000/1/${bytes}`,
      );
    await world.until('it is connected', () => device.lines.some((line) => line.includes('"type":"connected"')));
    assert.equal(await curl(10), '200');
    return { ...device, curl };
  };
  const [idle, busy, other] = [await connected(2), await connected(3), await connected(4)];
  const open = () => world.metric('cloudbridge_proxy_tunnels_count{kind="tcp"}');
  await world.until('no tunnel is open', async () => (await open()) === 0);
  const download = busy.curl(500_000_000, '--limit-rate', '1M').catch((error: { code: number }) => error.code);
  await world.until('it downloads', async () => (await open()) === 1);
  world.revoke([
    { tenant: 'red', device: 'red2' },
    { tenant: 'red', device: 'red3' },
  ]);
  for (const device of [idle, busy]) {
    const refusal = '1: cloudbridge: The edge refuses this device: the device or its token is revoked.';
    assert.equal(await device.ended, refusal);
    assert.equal(device.lines.filter((line) => line.includes('"type":"connecting"')).length, 1, 'it tries no more');
  }
  assert.notEqual(await download, '200');
  assert.equal(await other.curl(10), '200');
  assert.equal(await world.metric('cloudbridge_quic_closed_connections_total{by="local"}'), 2);
});
