import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { privateKeyOf, rawPublicKey } from '#host/wireguard/x25519.ts';
import { wireguardKeyText } from '#model/wireguard.ts';
import { startHub } from './testing/control-plane.ts';
import { answered } from './testing/mesh-worlds.ts';
import { WireGuardDevice, type WireGuardIdentity } from './testing/wireguard-device.ts';
import { INTERNET4, INTERNET6, needsNamespaces, World } from './testing/world.ts';

const keyOf = (number: number): Uint8Array => new Uint8Array(32).fill(number);
const publicKeyOf = (number: number): string => wireguardKeyText(rawPublicKey(privateKeyOf(keyOf(number))));
/** As `testing/wireguard-device.ts` has it. */
const EDGE = 200;
const presharedKey = keyOf(77);
const DEVICE = '/v1/tenants/red/devices/laptop';

test('a device of the API comes by WireGuard, with its preshared key; another key ends what the one before had', {
  skip: needsNamespaces,
}, async (t) => {
  const world = new World(t);
  await world.network();
  await world.configure({ proxy: '\n[wireguard]\nprivate_key_file = "wireguard.key"\n' });
  writeFileSync(path.join(world.folder, 'wireguard.key'), wireguardKeyText(keyOf(EDGE)), { mode: 0o600 });
  const { send, ...hub } = await startHub(t, world);
  const good = async (...args: Parameters<typeof send>) => {
    const { status, json } = await send(...args);
    assert.ok(status === 200 || status === 201, `${args.join(' ')}: ${JSON.stringify(json)}`);
    return json as Record<string, string>;
  };
  await good('POST', '/v1/tenants', { id: 'red' });
  await good('POST', '/v1/tenants/red/networks', { id: 'n', ipv4Pool: '10.64.0.0/24', egress: true });
  const endpoints = ['192.0.2.1:51820'];
  await good('PATCH', '/v1/wireguard-edge', { publicKey: publicKeyOf(EDGE), endpoints });
  world.control(hub);
  await world.startWorker();

  // The worker runs already: what it is told of comes live.
  const wireguard = { publicKey: publicKeyOf(2), presharedKey: wireguardKeyText(presharedKey) };
  const made = await good('POST', '/v1/tenants/red/devices', { id: 'laptop', network: 'n', wireguard });
  const { ipv4Address: ipv4 = '', ipv6Address: ipv6 = '' } = made;
  const clientWith = (number: number, psk?: Uint8Array): WireGuardIdentity => ({
    ...{ tenant: 'red', device: 'laptop', ipv4, ipv6, number },
    ...(psk && { presharedKey: psk }),
  });
  await world.until('it is known', async () => (await world.metric('cloudbridge_control_peers_count')) === 1);
  const laptop = await WireGuardDevice.start(t, world, clientWith(2, presharedKey));
  for (const address of [INTERNET4, INTERNET6]) {
    await world.until(`${address} answers`, async () => (await answered(world, laptop, address)) === 3);
  }
  const without = await WireGuardDevice.start(t, world, clientWith(2));
  assert.equal(await answered(world, without, INTERNET4), 0, 'without the preshared key nobody comes in');

  await good('PATCH', DEVICE, { wireguard: { publicKey: publicKeyOf(3) } });
  await world.until('the key before is worth nothing', async () => (await answered(world, laptop, INTERNET4)) === 0);
  const rotated = await WireGuardDevice.start(t, world, clientWith(3, presharedKey));
  await world.until('the new one is', async () => (await answered(world, rotated, INTERNET4)) === 3);

  await good('PATCH', '/v1/tenants/red/networks/n', { egress: false });
  await world.until('its network leads out no more', async () => (await answered(world, rotated, INTERNET4)) === 0);
  await good('PATCH', '/v1/tenants/red/networks/n', { egress: true });
  await world.until('and out again', async () => (await answered(world, rotated, INTERNET4)) === 3);

  await good('POST', `${DEVICE}/revoke`, { reason: 'lost' });
  await world.until('it is revoked', async () => (await answered(world, rotated, INTERNET4)) === 0);
  await world.until('it is forgotten', async () => (await world.metric('cloudbridge_control_peers_count')) === 0);
  assert.equal(await world.metric('cloudbridge_control_refused_peers_count{reason="preshared_key"}'), 0);
  assert.ok(!world.log.join('').includes(wireguardKeyText(presharedKey)), 'no key is in the log');
});
