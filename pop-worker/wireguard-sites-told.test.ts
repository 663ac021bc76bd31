import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { privateKeyOf, rawPublicKey } from '#host/wireguard/x25519.ts';
import { wireguardKeyText } from '#model/wireguard.ts';
import { startHub } from './testing/control-plane.ts';
import { WireGuardDevice, type WireGuardIdentity, WORKER_KEY } from './testing/wireguard-device.ts';
import { EDGE4, needsNamespaces, World } from './testing/world.ts';

const keyOf = (number: number): Uint8Array => new Uint8Array(32).fill(number);
const textOf = (key: Uint8Array): string => wireguardKeyText(rawPublicKey(privateKeyOf(key)));

test('how a site is reached shows in the API and is told, and what a worker said that was killed holds no more', {
  skip: needsNamespaces,
}, async (t) => {
  const world = new World(t);
  await world.network();
  await world.configure({ proxy: '\n[wireguard]\nprivate_key_file = "wireguard.key"\n' });
  writeFileSync(path.join(world.folder, 'wireguard.key'), wireguardKeyText(WORKER_KEY), { mode: 0o600 });
  const { send, ...hub } = await startHub(t, world);
  const good = async (...args: Parameters<typeof send>) => {
    const { status, json } = await send(...args);
    assert.ok(status === 200 || status === 201, `${args.join(' ')}: ${JSON.stringify(json)}`);
    return json as ReturnType<typeof JSON.parse>;
  };
  await good('PATCH', '/v1/wireguard-edge', { publicKey: textOf(WORKER_KEY), endpoints: ['192.0.2.1:51820'] });
  await good('POST', '/v1/tenants', { id: 'red' });
  await good('POST', '/v1/tenants/red/networks', { id: 'n', ipv4Pool: '10.64.0.0/24' });
  await good('POST', '/v1/tenants/red/networks', { id: 'sites', ipv4Pool: '10.65.0.0/16' });
  const wireguard = { publicKey: textOf(keyOf(2)), networks: ['10.65.2.0/24'], site: 'berlin' };
  const made = await good('POST', '/v1/tenants/red/devices', { id: 'router', network: 'n', wireguard });
  world.control(hub);
  await world.startWorker();
  await world.until('it is known', async () => (await world.metric('cloudbridge_control_peers_count')) === 1);
  const identity: WireGuardIdentity = {
    ...{ tenant: 'red', device: 'router', ipv4: made.ipv4Address, ipv6: made.ipv6Address, number: 2 },
  };
  const site = async (): Promise<string> => {
    const { state, device, tunnels } = await good('GET', '/v1/tenants/red/sites/berlin');
    const [{ state: tunnel, active }] = tunnels;
    return [state, device ?? '-', tunnel, active === true ? 'active' : '-']
      .join(' ')
      .replaceAll(/(SITE|TUNNEL)_STATE_/g, '');
  };
  const becomes = (expected: string): Promise<void> =>
    world.until(expected, async () => (await site()) === expected, 30_000);
  await becomes('DOWN - AWAY -');
  const router = await WireGuardDevice.start(t, world, identity, { keepalive: 1 });
  await becomes('UP router REACHED active');
  const [presence] = (await good('GET', '/v1/tenants/red/devices/router')).presence;
  assert.deepEqual([presence.site.site, presence.site.state], ['berlin', 'TUNNEL_STATE_REACHED']);
  await world.until('by which key it came is told', async () => {
    const [{ edgeKey }] = (await good('GET', '/v1/tenants/red/devices/router')).presence;
    return edgeKey === textOf(WORKER_KEY);
  });
  assert.ok((await world.metric('cloudbridge_control_site_reports_total')) >= 1);
  // Nothing comes through any more.
  world.run(router.namespace, 'ip', 'route', 'add', 'blackhole', `${EDGE4}/32`);
  await becomes('DOWN - LOST -');
  world.run(router.namespace, 'ip', 'route', 'del', 'blackhole', `${EDGE4}/32`);
  await becomes('UP router REACHED active');
  // It leaves no word, and the device does not come back.
  world.run(router.namespace, 'ip', 'route', 'add', 'blackhole', `${EDGE4}/32`);
  await world.endWorker('SIGKILL');
  await world.startWorker();
  await becomes('DOWN - AWAY -');
});
