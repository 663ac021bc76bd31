import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startHub } from './testing/control-plane.ts';
import { ISSUER } from './testing/issuer.ts';
import { deviceOf, INTERNET4, needsNamespaces, World } from './testing/world.ts';

test('a worker and the control plane’s last word: what is unknown, and what would cut off too many', {
  skip: needsNamespaces,
}, async (t) => {
  const world = new World(t);
  await world.network();
  await world.configure();
  const { send, ...hub } = await startHub(t, world);
  const jwks = readFileSync(path.join(world.folder, 'jwks.json'), 'utf8');
  const publish = (...refusedPrefixes: string[]) => send('PUBLISH', '', { jwks, tokenIssuer: ISSUER, refusedPrefixes });
  await send('POST', '/v1/tenants', { id: 'red' });
  await send('POST', '/v1/tenants/red/networks', { id: 'n', ipv4Pool: '10.64.0.0/24', egress: true });
  await publish();
  world.control(hub);
  await world.startWorker();
  const control = async () => JSON.parse(await world.command('status', '--json')).control;
  const metric = (reason: string) => world.metric(`cloudbridge_ended_tunnels_total{reason="${reason}"}`);
  const refusalOf = async () => (await (await world.connect(deviceOf('blue', 2))).reports.of('refused')).status;

  await t.test('a tenant that it does not know does not exist only while it hears its control plane', async () => {
    await world.until('who is unknown is refused for good', async () => (await refusalOf()) === 403);
    await send('NATS', 'kill');
    await world.until('it notices', async () => (await control()).connected === false);
    assert.equal(await refusalOf(), 503);
    await send('NATS', 'start');
    await world.until('who is unknown is refused for good', async () => (await refusalOf()) === 403);
  });

  await t.test('a tunnel goes on until its destination is refused by force', async () => {
    const { namespace, lines } = await world.connectByCommand(deviceOf('red', 2), '--socks', '1080');
    await world.until('the proxy listens', () => lines.some((line) => line.includes('"type":"listening"')));
    const curl = (bytes: number, ...more: string[]): Promise<string> =>
      world.exec(
        namespace,
        ...['curl', '-sS', '--socks5-hostname', '127.0.0.1:1080', '-o', '/dev/null', '-w', '%{http_code}', ...more],
        `http://${INTERNET4}:8000/1/${bytes}`,
      );
    const code = (error: { code: number }): number => error.code;
    const download = curl(500_000_000, '--limit-rate', '1M').catch(code);
    const open = () => world.metric('cloudbridge_proxy_tunnels_count{kind="tcp"}');
    await world.until('it downloads', async () => (await open()) === 1);
    await publish('203.0.113.0/24');
    await world.until('it is refused', async () => (await control()).refusedRevision !== '');
    const { revision, refusedRevision } = await control();
    const number = Number(revision) + 1;
    assert.match(refusedRevision, new RegExp(`^revision ${number} would cut 100 % of the sessions here`));
    assert.equal(await Promise.race([download, sleep(300, 'goes on')]), 'goes on');
    assert.equal(await curl(10), '200');
    const forced = await send('POST', `/v1/revisions/${number}/force`, { reason: 'hostile' });
    assert.equal(forced.status, 200, JSON.stringify(forced.json));
    assert.notEqual(await download, '200');
    assert.deepEqual([await metric('destination_refused'), await open()], [1, 0]);
    assert.notEqual(await curl(10).catch(code), '200');
    assert.equal((await control()).refusedRevision, '');
  });

  await t.test('who is deleted loses its tunnel at once, and then its tenant needs no force', async () => {
    await send('POST', '/v1/tenants/red/devices', { id: 'red3', network: 'n' });
    const device = await world.connect(deviceOf('red', 3));
    await device.reports.of('up');
    await send('DELETE', '/v1/tenants/red/devices/red3');
    await device.reports.of('tunnel-closed');
    assert.deepEqual([await metric('revoked'), await metric('tenant_gone')], [1, 0]);
    const { status: networkGone } = await send('DELETE', '/v1/tenants/red/networks/n');
    const { status: tenantGone } = await send('DELETE', '/v1/tenants/red');
    assert.deepEqual([networkGone, tenantGone], [204, 204]);
    await world.until('the tenant is gone', async () => (await world.metric('cloudbridge_tenants_count')) === 0);
    assert.equal((await control()).refusedRevision, '');
  });
});
