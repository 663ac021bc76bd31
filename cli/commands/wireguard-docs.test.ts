import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { wireguardTools } from '#scripts/setup/debian-peers.mjs';
import { root } from '#scripts/setup/paths.mjs';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import { createWorld } from '../testing/world.ts';

/** Blocks of commands below a heading of docs/wireguard.md; programs are none. */
const commandsOf = (heading: string): readonly string[] => {
  const text = readFileSync(path.join(root, 'docs/wireguard.md'), 'utf8');
  const [, below = ''] = text.split(`\n## ${heading}\n`);
  const [section = ''] = below.split('\n## ');
  const blocks = Array.from(section.matchAll(/```sh\n([\s\S]*?)```/g), ([, commands = '']) => commands);
  return blocks.filter((commands) => !commands.startsWith('#!'));
};

test('the commands of docs/wireguard.md for devices and sites work as they stand', async (t) => {
  const tools = await wireguardTools().catch((error: unknown) => {
    if (error instanceof PeerMissing) return error.message;
    throw error;
  });
  if (typeof tools === 'string') return t.skip(tools);
  const world = await createWorld();
  t.after(() => world.close());
  const { keyFile } = await world.account('robot', 'operator');
  const sh = async (commands: string): Promise<string> => {
    const env = {
      ...{ PATH: `${root}:${path.dirname(tools.programs.wg ?? '')}:${process.env['PATH']}`, HOME: world.home },
      ...{ NO_COLOR: '1', CBR_CONFIG: path.join(world.home, 'config') },
    };
    const { stdout } = await promisify(execFile)('sh', ['-ec', commands], { cwd: world.home, env, timeout: 120_000 });
    return stdout;
  };
  await sh(`cloudbridge login --server ${world.api} --service-account-key ${keyFile} --context test
    cloudbridge tenant create acme
    cloudbridge network create acme/office --ipv4-pool 10.64.0.0/24 --egress
    cloudbridge network create acme/sites --ipv4-pool 192.168.0.0/16
    umask 077; wg genkey > site.key; mkdir keys; wg genkey > keys/wireguard.key`);
  const [edge = '', devices = ''] = commandsOf('Devices of an installation');
  const [sites = ''] = commandsOf('Sites');
  // In one shell, as they would be typed.
  const printed = await sh([edge, devices, sites].join('\n'));
  assert.match(printed, /^PersistentKeepalive = 25$/m);
  const read = (name: string): string => readFileSync(path.join(world.home, name), 'utf8');
  assert.match(read('phone.conf'), /^DNS = 9\.9\.9\.9$/m);
  for (const [name, metric, endpoint] of [
    ['wg0.conf', 1000, '198.51.100.1:51820'],
    ['wg1.conf', 1010, '198.51.100.2:51820'],
  ] as const) {
    assert.ok(read(name).includes(`PostUp = ip -4 route add 10.64.0.0/24 dev %i metric ${metric}\n`), read(name));
    assert.ok(read(name).includes(`\nEndpoint = ${endpoint}\n`));
    assert.equal(statSync(path.join(world.home, name)).mode & 0o077, 0);
  }
});
