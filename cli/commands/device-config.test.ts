import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import decodeQR from 'qr/decode.js';
import { parse } from 'yaml';
import { wireguardTools } from '#scripts/setup/debian-peers.mjs';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import { generateKeyPair } from '#services/installation/wireguard-keys.ts';
import { createWorld, type World } from '../testing/world.ts';

/** Debian's tools, or why they are not here. */
const tools = await wireguardTools().catch((error: unknown) => {
  if (error instanceof PeerMissing) return error.message;
  throw error;
});

let world: World;

before(async () => {
  world = await createWorld();
  const { keyFile } = await world.account('robot', 'operator');
  await good('login', '--server', world.api, '--service-account-key', keyFile, '--context', 'test');
  await good('tenant', 'create', 'acme');
  await good('network', 'create', 'acme/office', '--ipv4-pool', '10.64.0.0/24', '--egress');
  await good('network', 'create', 'acme/branch', '--ipv4-pool', '192.168.0.0/16');
});
after(() => world.close());

/** Runs a command that must succeed. @returns its stdout */
const good = async (...args: string[]): Promise<string> => {
  const { status, stdout, stderr } = await world.run(...args);
  assert.deepEqual([status, stderr], [0, ''], args.join(' '));
  return stdout;
};
const json = async (...args: string[]) => JSON.parse(await good(...args, '-o', 'json'));
const file = (name: string, text: string): string => {
  writeFileSync(path.join(world.home, name), text, { mode: 0o600 });
  return path.join(world.home, name);
};
const config = (...args: string[]) => world.run('device', 'config', ...args);

/** Settings of a wg-quick file by `Section.Key`, as wg-quick reads them: no comments, no case in keys. */
const settingsOf = (text: string): Record<string, string> => {
  let section = '';
  return Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [plain = ''] = line.split('#');
      section = /^\[(\w+)\]$/.exec(plain.trim())?.[1] ?? section;
      const [, key, value] = /^(\w+)\s*=\s*(.*?)\s*$/.exec(plain.trim()) ?? [];
      return key === undefined ? [] : [[`${section}.${key}`, value ?? '']];
    }),
  );
};

const edge = generateKeyPair();

test('without an edge to come to there is no file', async () => {
  await good('device', 'create', 'acme/laptop', '--network', 'office');
  const early = await config('acme/laptop', '--wireguard', '--generate');
  assert.deepEqual([early.status, early.stdout], [1, '']);
  assert.match(early.stderr, /an operator does by `cloudbridge wireguard edge update`/);
  assert.equal((await json('device', 'get', 'acme/laptop')).wireguard, undefined, 'no key was replaced for it');
  const endpoints = ['--endpoints', '192.0.2.1:51820', '--endpoints', '[2001:db8:a::1]:51820'];
  const dns = ['--dns', '10.64.0.1', '--dns', '9.9.9.9'];
  const told = await json('wireguard', 'edge', 'update', '--public-key', edge.publicKey, ...endpoints, ...dns);
  assert.deepEqual(await json('wireguard', 'edge', 'get'), told);
  assert.match(await good('wireguard', 'edge', 'get'), /^endpoints +192\.0\.2\.1:51820, \[2001:db8:a::1\]:51820$/m);
});

test('keys that are made are in the file once, and the device has the public one', async () => {
  const text = await good('device', 'config', 'acme/laptop', '--wireguard', '--generate', '--preshared-key');
  const settings = settingsOf(text);
  const { wireguard, ipv4Address, ipv6Address } = await json('device', 'get', 'acme/laptop');
  const { 'Interface.PrivateKey': privateKey = '', 'Peer.PresharedKey': presharedKey = '', ...rest } = settings;
  assert.deepEqual(rest, {
    'Interface.Address': `${ipv4Address}/32, ${ipv6Address}/128`,
    'Interface.DNS': '10.64.0.1, 9.9.9.9',
    'Interface.MTU': '1400',
    'Peer.PublicKey': edge.publicKey,
    'Peer.AllowedIPs': '0.0.0.0/0, ::/0',
    'Peer.Endpoint': '192.0.2.1:51820',
  });
  assert.match(presharedKey, /^[A-Za-z0-9+/]{43}=$/);
  assert.equal(wireguard.hasPresharedKey, true);
  assert.ok(!('presharedKey' in wireguard), 'what is never shown is not shown as empty');
  const key = file('laptop.key', privateKey);
  const again = await good('device', 'config', 'acme/laptop', '--wireguard', '--private-key-file', key);
  const later = settingsOf(again);
  assert.equal(later['Interface.PrivateKey'], privateKey);
  assert.equal(later['Peer.PresharedKey'], '<the preshared key of the device>');
  const placeholder = await good('device', 'config', 'acme/laptop', '--wireguard');
  assert.equal(settingsOf(placeholder)['Interface.PrivateKey'], '<the private key of the device>');
  assert.ok(!placeholder.includes(privateKey));
  const anew = settingsOf(await good('device', 'config', 'acme/laptop', '--wireguard', '--generate'));
  assert.notEqual(anew['Interface.PrivateKey'], privateKey);
  assert.notEqual(anew['Peer.PresharedKey'], presharedKey, 'where it has a preshared key it gets another');
});

test('Debian’s wg and wg-quick read the file', {
  skip: typeof tools === 'string' && tools,
}, async () => {
  const { wg = '', 'wg-quick': quick = '' } = typeof tools === 'string' ? {} : tools.programs;
  const text = await good('device', 'config', 'acme/laptop', '--wireguard', '--generate', '--preshared-key');
  const settings = settingsOf(text);
  const stripped = execFileSync(quick, ['strip', file('wgtest0.conf', text)], { encoding: 'utf8' });
  const kept = settingsOf(stripped);
  for (const key of ['Address', 'DNS', 'MTU']) delete settings[`Interface.${key}`];
  assert.deepEqual(kept, settings, 'wg-quick takes what is its own, wg gets the rest');
  const publicKey = execFileSync(wg, ['pubkey'], { encoding: 'utf8', input: settings['Interface.PrivateKey'] }).trim();
  assert.equal((await json('device', 'get', 'acme/laptop')).wireguard.publicKey, publicKey);
});

test('a site leads the tenant’s networks into the tunnel, but not what lies behind it', async () => {
  const { privateKey, publicKey } = generateKeyPair();
  const flags = ['--wireguard-networks', '192.168.1.0/24', '--wireguard-networks', '192.168.128.0/17'];
  const alive = ['--wireguard-persistent-keepalive-seconds', '25'];
  await good(
    'device',
    'create',
    'acme/site',
    '--network',
    'branch',
    '--wireguard-public-key',
    publicKey,
    ...flags,
    ...alive,
  );
  const key = file('site.key', `${privateKey}\n`);
  const own = ['acme/site', '--wireguard', '--private-key-file', key];
  const settings = settingsOf(
    await good('device', 'config', ...own, '--endpoint', '[2001:db8:a::1]:51820', '--mtu', '1280'),
  );
  const { ipv6Prefix: office } = await json('network', 'get', 'acme/office');
  const { ipv6Prefix: branch } = await json('network', 'get', 'acme/branch');
  assert.deepEqual(
    settings['Peer.AllowedIPs']?.split(', ').sort(),
    [
      ...['10.64.0.0/24', '192.168.0.0/24', '192.168.2.0/23', '192.168.4.0/22', '192.168.8.0/21', '192.168.16.0/20'],
      ...['192.168.32.0/19', '192.168.64.0/18', office, branch],
    ].sort(),
  );
  assert.equal(settings['Peer.PersistentKeepalive'], '25');
  assert.deepEqual([settings['Peer.Endpoint'], settings['Interface.MTU']], ['[2001:db8:a::1]:51820', '1280']);
  assert.equal(settings['Interface.DNS'], '10.64.0.1', 'the tunnel leads to no other resolver');
  const laptop = settingsOf(await good('device', 'config', 'acme/laptop', '--wireguard', '--private-only'));
  assert.ok(laptop['Peer.AllowedIPs']?.includes('192.168.0.0/16'));
});

test('a tunnel of a site has routes of its own metric, a way back, and no resolver, and wg-quick reads all of it', async () => {
  const flags = ['--wireguard-networks', '192.168.99.0/24', '--wireguard-site', 'berlin', '--wireguard-metric', '10'];
  const { publicKey } = generateKeyPair();
  const probe = ['--wireguard-probe', '192.168.99.1', '--wireguard-public-key', publicKey];
  await good('device', 'create', 'acme/berlin-2', '--network', 'office', ...flags, ...probe);
  const { wireguard, ipv4Address, ipv6Address } = await json('device', 'get', 'acme/berlin-2');
  assert.deepEqual([wireguard.site, wireguard.metric, wireguard.probe], ['berlin', 10, '192.168.99.1']);
  assert.match(await good('device', 'get', 'acme/berlin-2'), /^wireguard\.site +berlin$/m);
  const text = await good('device', 'config', 'acme/berlin-2', '--wireguard', '--private-only');
  const lines = text.split('\n');
  const table = 1000 + wireguard.peerNumber;
  for (const line of [
    'Table = off',
    'PostUp = ip -4 route add 10.64.0.0/24 dev %i metric 1010',
    `PostUp = ip -4 route add default dev %i table ${table}; ip -4 rule add from ${ipv4Address} lookup ${table}`,
    `PostDown = ip -6 rule del from ${ipv6Address} lookup ${table}`,
  ])
    assert.ok(lines.includes(line), `${line} in ${text}`);
  assert.ok(!text.includes('DNS ='));
  assert.ok(!text.includes('192.168.99.'), 'nothing of the site leads into the tunnel');
  if (typeof tools === 'string') return;
  const stripped = settingsOf(
    execFileSync(tools.programs['wg-quick'] ?? '', ['strip', file('wgtest1.conf', text)], { encoding: 'utf8' }),
  );
  assert.deepEqual(Object.keys(stripped).sort(), [
    ...['Interface.PrivateKey', 'Peer.AllowedIPs', 'Peer.Endpoint', 'Peer.PublicKey'],
  ]);
});

test('WireGuard of a device is changed by options and files, and taken away', async () => {
  const before = (await json('device', 'get', 'acme/laptop')).wireguard;
  const moved = await json('device', 'update', 'acme/laptop', '--wireguard-endpoint', '203.0.113.9:51820');
  assert.deepEqual(moved.wireguard, { ...before, endpoint: '203.0.113.9:51820' });
  const edited = file(
    'laptop.yaml',
    (await good('device', 'get', 'acme/laptop', '-o', 'yaml')).replace('Seconds: 0', 'Seconds: 9'),
  );
  const { persistentKeepaliveSeconds, hasPresharedKey } = (await json('device', 'update', '-f', edited)).wireguard;
  assert.deepEqual([persistentKeepaliveSeconds, hasPresharedKey], [9, true]);
  const none = await json('device', 'update', 'acme/laptop', '--wireguard-preshared-key-file', file('none', ''));
  assert.equal(none.wireguard.hasPresharedKey, false);
  const key = generateKeyPair().privateKey;
  const some = await json('device', 'update', 'acme/laptop', '--wireguard-preshared-key-file', file('psk', `${key}\n`));
  assert.equal(some.wireguard.hasPresharedKey, true);
  assert.equal((await json('device', 'update', 'acme/laptop', '--no-wireguard')).wireguard, undefined);
  const yaml = parse(await good('device', 'get', 'acme/site', '-o', 'yaml'));
  assert.deepEqual(yaml.wireguard.networks, ['192.168.1.0/24', '192.168.128.0/17']);
});

/** What a camera sees of a drawing: half a character is a module, of so many pixels. */
const photograph = (drawn: readonly string[], pixels = 4) => {
  const width = (drawn[0]?.length ?? 0) * pixels;
  const height = drawn.length * 2 * pixels;
  const data = new Uint8Array(width * height * 4).fill(255);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const letter = drawn[Math.floor(y / pixels / 2)]?.[Math.floor(x / pixels)] ?? ' ';
      const light = Math.floor(y / pixels) % 2 === 0 ? '█▀' : '█▄';
      data.fill(light.includes(letter) ? 255 : 0, 4 * (y * width + x), 4 * (y * width + x) + 3);
    }
  return { width, height, data };
};

test('a QR code is drawn beside the file, in colours that are named, and says what the file does', async () => {
  const key = path.join(world.home, 'site.key');
  const { status, stdout, stderr } = await config('acme/site', '--wireguard', '--qr', '--private-key-file', key);
  assert.equal(status, 0);
  const esc = String.fromCharCode(27);
  const lines = stderr.trimEnd().split('\n');
  for (const line of lines) assert.ok(line.startsWith(`${esc}[97;40m`) && line.endsWith(`${esc}[0m`));
  const read = decodeQR(photograph(lines.map((line) => line.slice(8, -4))));
  assert.deepEqual(settingsOf(read), settingsOf(stdout));
  assert.ok(!read.includes('#'), 'without what only people need');
});

test('what is wrong is one sentence, and changes nothing', async () => {
  const { wireguard } = await json('device', 'get', 'acme/site');
  const other = file('other.key', generateKeyPair().privateKey);
  const site = ['acme/site', '--wireguard'];
  for (const [args, status, pattern] of [
    [['acme/site'], 2, /Say what for: --wireguard\./],
    [['acme', '--wireguard'], 2, /say TENANT\/DEVICE/],
    [[...site, '--generate', '--private-key-file', other], 2, /not both/],
    [[...site, '--preshared-key'], 2, /add --generate/],
    [[...site, '--qr'], 2, /--qr is of no use without the private key/],
    [[...site, '--endpoint', 'edge.example'], 2, /--endpoint takes ADDRESS:PORT/],
    [[...site, '--mtu', '576'], 2, /--mtu takes a number, 1280 to 8920/],
    [[...site, '--private-key-file', file('bad.key', 'AAAA')], 1, /bad\.key holds no private key/],
    [[...site, '--private-key-file', '/nowhere.key'], 1, /\/nowhere\.key cannot be read \(ENOENT\)/],
    [
      [...site, '--private-key-file', other],
      1,
      /other\.key holds the private key of \S+, and acme\/site has another public key/,
    ],
    [['acme/laptop', '--wireguard'], 1, /acme\/laptop has no WireGuard key yet: --generate makes one/],
    [['acme/lost', '--wireguard', '--generate'], 1, /Device "lost" does not exist/],
  ] as const) {
    const ran = await config(...args);
    assert.deepEqual([ran.status, ran.stdout], [status, ''], `${args.join(' ')}: ${ran.stderr}`);
    assert.match(ran.stderr, pattern);
    assert.equal(ran.stderr.trimEnd().split('\n').length, 1, ran.stderr);
    assert.ok(!ran.stderr.includes(readFileSync(other, 'utf8')), 'no private key');
  }
  assert.deepEqual((await json('device', 'get', 'acme/site')).wireguard, wireguard);
  await good('device', 'config', 'acme/site', '--wireguard', '--generate', '--preshared-key', '--yes');
  const newest = await config(...site, '--qr', '--private-key-file', other);
  assert.match(newest.stderr, /has a preshared key, which nobody can show/);
});

test('nothing of this was the fault of a service', () => assert.deepEqual(world.reports, []));
