import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { needsWireGuardGo, wireguardGoCommand } from '#host/wireguard/testing/wireguard-go.ts';
import { privateKeyOf, rawPublicKey } from '#host/wireguard/x25519.ts';
import { wireguardKeyText } from '#model/wireguard.ts';
import { startHub } from './testing/control-plane.ts';
import { answered } from './testing/mesh-worlds.ts';
import {
  WORKER_KEY as OLD,
  WireGuardDevice,
  type WireGuardIdentity,
  wireguard,
  withWireGuard,
} from './testing/wireguard-device.ts';
import { deviceOf, INTERNET4, INTERNET6, needsNamespaces, World } from './testing/world.ts';

const keyOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const NEW = keyOf(201);
const RED2 = { ...wireguard(deviceOf('red', 2), 2), presharedKey: keyOf(9) };
const RED3 = wireguard(deviceOf('red', 3), 3);

/** What an operator does at a worker's files. */
const operator = (world: World) => {
  const at = (file: string): string => path.join(world.folder, file);
  const writeKey = (file: string, key: Uint8Array): void =>
    writeFileSync(at(file), wireguardKeyText(key), { mode: 0o600 });
  const edit = (from: string, to: string): void => {
    const text = readFileSync(at('worker.toml'), 'utf8');
    assert.ok(text.includes(from), text);
    writeFileSync(at('worker.toml'), text.replace(from, to));
  };
  /** @returns what the log says of it */
  const reload = async (): Promise<string> => {
    const told = world.log.length;
    world.worker?.kill('SIGHUP');
    const line = () => world.log.slice(told).find((text) => /read again/.test(text));
    await world.until('its files were looked at', () => line() !== undefined);
    return line() as string;
  };
  const peers = (state: string) => world.metric(`cloudbridge_wireguard_peers{state="${state}"}`);
  return { at, writeKey, edit, reload, peers };
};

/** A worker that serves by the first key. */
const serving = async (t: TestContext, identities: readonly WireGuardIdentity[]) => {
  const world = new World(t);
  await world.network();
  // Of two threads each has one of the devices.
  await world.configure({ listen: 'threads = 2', static: withWireGuard(world, identities).join('') });
  await world.startWorker();
  return { world, ...operator(world) };
};

/** What `worker wireguard` prints of a device that needs the key before, by columns. */
const needs = (world: World): Promise<string[][]> =>
  world.command('wireguard').then(
    () => [],
    ({ stdout }: { readonly stdout: string }) =>
      stdout
        .trim()
        .split('\n')
        .map((line) => line.trim().split(/ {2,}/)),
  );

/** Pings fifty times a second for five seconds. @returns how many answers were missing in the end */
const pinging = async (world: World, { namespace }: WireGuardDevice): Promise<number> => {
  const told = await world.exec(namespace, 'sh', '-c', `ping -n -q -c 250 -i 0.02 -W 1 ${INTERNET4} || true`);
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(told) ?? [];
  assert.equal(sent, '250', told);
  return Number(sent) - Number(received);
};

const COLUMNS = ['DEVICE', 'COMES BY', 'PRESHARED KEY SEALED TO'];
const LINE = 'private_key_file = "wireguard.key"';
const BOTH = 'private_key_file = "new.key"\nprevious_private_key_file = "wireguard.key"';

test('the key of the fleet is replaced, step by step, and wireguard-go is served all the time', {
  skip: needsNamespaces || needsWireGuardGo,
}, async (t) => {
  const { world, writeKey, edit, reload, peers } = await serving(t, [RED2, RED3]);
  const one = await WireGuardDevice.start(t, world, RED2, { command: wireguardGoCommand });
  const other = await WireGuardDevice.start(t, world, RED3, { command: wireguardGoCommand });
  for (const device of [one, other]) assert.equal(await answered(world, device, INTERNET4), 3);
  const lost = pinging(world, one);

  writeKey('new.key', NEW);
  edit(LINE, BOTH);
  assert.match(await reload(), /keys of WireGuard/);
  for (const device of [one, other])
    for (const address of [INTERNET4, INTERNET6]) assert.equal(await answered(world, device, address), 3);
  assert.deepEqual([await peers('previous_key'), await peers('in_session')], [2, 2]);
  const old = (device: string) => [device, 'previous key', '-'];
  assert.deepEqual(await needs(world), [COLUMNS, old('red/red2'), old('red/red3')]);

  // Each in its own time.
  await one.rekey(NEW, RED2);
  await world.until('it comes by the new key', async () => (await peers('previous_key')) === 1);
  assert.deepEqual(await needs(world), [COLUMNS, old('red/red3')]);
  assert.equal(await answered(world, other, INTERNET4), 3);

  // A worker that is killed meanwhile serves those of either key by handshakes of its own.
  const missing = await lost;
  t.diagnostic(`${missing} pings without an answer`);
  assert.ok(missing <= 10, `${missing} of them are those that the client itself had no session for`);
  await world.endWorker('SIGKILL');
  await world.startWorker();
  for (const device of [one, other])
    await world.until('it is served', async () => (await answered(world, device, INTERNET4)) > 0, 4_000);
  assert.equal(await world.metric('cloudbridge_wireguard_handshakes_total{what="answered"}'), 0);
  assert.equal(await peers('previous_key'), 1);

  edit(BOTH, 'private_key_file = "new.key"');
  assert.match(await reload(), /key of WireGuard/);
  assert.equal(await answered(world, other, INTERNET4), 0, 'a stranger');
  assert.equal(await answered(world, one, INTERNET4), 3);
  assert.equal(await world.metric('cloudbridge_sessions_count'), 1);
  assert.match(world.log.join(''), /the key of the edge that it came by was taken away/);
  await other.rekey(NEW, RED3);
  await world.until('it is served', async () => (await answered(world, other, INTERNET4)) === 3);
});

test('what is wrong with keys at SIGHUP is said in a sentence, and those of before stay', {
  skip: needsNamespaces,
}, async (t) => {
  const { world, at, writeKey, edit, reload, peers } = await serving(t, [RED3]);
  const device = await WireGuardDevice.start(t, world, RED3);
  assert.equal(await answered(world, device, INTERNET4), 3);
  const refused = async (reason: RegExp): Promise<void> => {
    const line = await reload();
    assert.match(line, /not read again; what was in force stays/);
    assert.match(line, reason);
    assert.equal(await answered(world, device, INTERNET4), 3);
  };
  edit(LINE, BOTH);
  await refused(/private key of WireGuard .*new\.key cannot be read/);
  writeKey('new.key', OLD);
  await refused(/are the same: put the new key into the first/);
  writeFileSync(at('new.key'), 'no key');
  await refused(/new\.key is not 32 bytes in base64/);
  rmSync(at('new.key'));
  writeFileSync(at('new.key'), wireguardKeyText(NEW), { mode: 0o644 });
  await refused(/new\.key .*chmod/);
  rmSync(at('new.key'));
  writeKey('new.key', NEW);
  assert.match(await reload(), /keys of WireGuard/);
  rmSync(at('wireguard.key'));
  await refused(/previous private key of WireGuard .*wireguard\.key cannot be read/);
  assert.equal(await peers('previous_key'), 1);
  edit(`[wireguard]\n${BOTH}`, '');
  await refused(/no \[wireguard\] any more: to do without it takes a restart/);
});

test('with a control plane: a preshared key goes on after the change when it is set again, and is told of until then', {
  skip: needsNamespaces,
}, async (t) => {
  const world = new World(t);
  await world.network();
  await world.configure({ proxy: `\n[wireguard]\n${LINE}\n` });
  const { writeKey, edit, reload, peers } = operator(world);
  writeKey('wireguard.key', OLD);
  const { send, ...hub } = await startHub(t, world);
  const good = async (...args: Parameters<typeof send>) => {
    const { status, json } = await send(...args);
    assert.ok(status === 200 || status === 201, `${args.join(' ')}: ${JSON.stringify(json)}`);
    return json as Record<string, string>;
  };
  const publicKeyOf = (key: Uint8Array): string => wireguardKeyText(rawPublicKey(privateKeyOf(key)));
  await good('POST', '/v1/tenants', { id: 'red' });
  await good('POST', '/v1/tenants/red/networks', { id: 'n', ipv4Pool: '10.64.0.0/24', egress: true });
  await good('PATCH', '/v1/wireguard-edge', { publicKey: publicKeyOf(OLD), endpoints: ['192.0.2.1:51820'] });
  const presharedKey = keyOf(77);
  const wireguardOf = { publicKey: publicKeyOf(keyOf(2)), presharedKey: wireguardKeyText(presharedKey) };
  const made = await good('POST', '/v1/tenants/red/devices', { id: 'laptop', network: 'n', wireguard: wireguardOf });
  world.control(hub);
  await world.startWorker();
  const { ipv4Address: ipv4 = '', ipv6Address: ipv6 = '' } = made;
  const identity = { tenant: 'red', device: 'laptop', ipv4, ipv6, number: 2, presharedKey };
  await world.until('it is known', async () => (await world.metric('cloudbridge_control_peers_count')) === 1);
  const laptop = await WireGuardDevice.start(t, world, identity);
  await world.until('it is served', async () => (await answered(world, laptop, INTERNET4)) === 3);

  writeKey('new.key', NEW);
  edit(LINE, BOTH);
  assert.match(await reload(), /keys of WireGuard/);
  const sealed = () => world.metric('cloudbridge_control_previous_key_peers_count');
  await world.until('its preshared key is known to be sealed to the one before', async () => (await sealed()) === 1);
  await good('PATCH', '/v1/wireguard-edge', { publicKey: publicKeyOf(NEW) });
  assert.equal(await answered(world, laptop, INTERNET4), 3);
  assert.deepEqual(await needs(world), [COLUMNS, ['red/laptop', 'previous key', 'previous key']]);

  await good('PATCH', '/v1/tenants/red/devices/laptop', { wireguard: { presharedKey: wireguardOf.presharedKey } });
  await world.until('it is sealed to the new one', async () => (await sealed()) === 0);
  assert.equal(await answered(world, laptop, INTERNET4), 3);
  await laptop.rekey(NEW, identity);
  assert.equal(await answered(world, laptop, INTERNET4), 3);
  await world.until('it comes by the new one', async () => (await peers('previous_key')) === 0);
  assert.deepEqual(await needs(world), []);

  edit(BOTH, 'private_key_file = "new.key"');
  assert.match(await reload(), /key of WireGuard/);
  await good('PATCH', '/v1/wireguard-edge', { previousPublicKey: '' });
  assert.equal(await answered(world, laptop, INTERNET4), 3);
  assert.doesNotMatch(world.log.join(''), /clients are told that|other key/);
  for (const key of [OLD, NEW, presharedKey]) assert.ok(!world.log.join('').includes(wireguardKeyText(key)));
});
