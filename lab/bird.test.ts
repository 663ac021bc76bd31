import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { birdPeer } from '#scripts/setup/debian-peers.mjs';
import { isRoot, root } from '#scripts/setup/paths.mjs';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';
import { announcedBy, Bird, leadTo, parsePaths } from './bird.ts';
import { birdConfig, FAMILIES } from './bird-config.ts';
import { Lab } from './lab.ts';
import { ANYCAST, ANYCAST_PREFIXES, addressOf, makeTopology } from './topology.ts';

const WAIT_MS = 15_000;

test('each PoP is a neighbour by both families, at its own link, and nobody else is', () => {
  const config = birdConfig(makeTopology('cb', 2));
  const sessions = [
    ...config.matchAll(/protocol bgp (\S+) from pop \{\n {2}local (\S+) as (\d+);\n {2}neighbor (\S+) as (\d+);/g),
  ];
  assert.deepEqual(
    sessions.map((match) => match.slice(1)),
    [
      ['moscow_v4', '198.51.100.1', '64500', '198.51.100.2', '64512'],
      ['moscow_v6', '2001:db8:1:1::1', '64500', '2001:db8:1:1::2', '64512'],
      ['frankfurt_v4', '198.51.100.5', '64500', '198.51.100.6', '64512'],
      ['frankfurt_v6', '2001:db8:1:2::1', '64500', '2001:db8:1:2::2', '64512'],
    ],
  );
});

test('paths are read with their PoP, family and whether packets take them', () => {
  const text = `BIRD 2.0.12 ready.
Table master4:
192.0.2.0/24         unicast [moscow_v4 2026-11-28 22:10:41.548] (100) [AS64512i]
\tvia 198.51.100.2 on to-moscow
                     unicast [amsterdam_v4 2026-11-28 22:10:42.154] * (100) [AS64512i]
\tvia 198.51.100.10 on to-amsterdam

Table master6:
2001:db8:a::/48      unicast [frankfurt_v6 2026-11-28 22:10:42.247] * (100) [AS64512i]
\tvia 2001:db8:1:2::2 on to-frankfurt
`;
  assert.deepEqual(parsePaths(text), [
    { pop: 'moscow', family: 'v4', isBest: false },
    { pop: 'amsterdam', family: 'v4', isBest: true },
    { pop: 'frankfurt', family: 'v6', isBest: true },
  ]);
  assert.deepEqual(parsePaths('BIRD 2.0.12 ready.\n'), []);
});

/** A lab of two PoPs with BIRD, that ends with the test. */
const labWithBird = async (t: TestContext): Promise<{ readonly lab: Lab; readonly bird: Bird } | undefined> => {
  try {
    await birdPeer();
  } catch (error) {
    if (!(error instanceof PeerMissing)) throw error;
    t.skip(error.message);
    return undefined;
  }
  const lab = await Lab.create(`tb${process.pid}`, 2, 'namespaces', 'bgp');
  t.after(async () => {
    await lab.destroy();
    assert.deepEqual(lab.remains(), []);
  });
  return { lab, bird: await Bird.start(lab) };
};

/** `cloudbridge bgp run` at a PoP, that announces more than it may. */
const speakAt = async (lab: Lab, pop: string, med: number) => {
  const link = lab.topology?.links.find(({ host }) => host.host === pop);
  assert.ok(link);
  const folder = lab.makeFolder(`speaker-${pop}`);
  const neighbor = FAMILIES.map((family) => ({
    ...{
      name: family,
      as: 64500,
      address: addressOf(link.upstream[family]),
      local_address: addressOf(link.host[family]),
    },
    ...{ hold_seconds: 9, connect_retry_seconds: 1, gtsm_hops: 1, import: 'none', export: 'own' },
  }));
  const prefixes = [...Object.values(ANYCAST_PREFIXES), '203.0.113.0/24', '0.0.0.0/0', '192.0.2.0/25'];
  const file = path.join(folder, 'bgp.json');
  const speaker = { as: 64512, router_id: addressOf(link.host.v4), socket: path.join(folder, 'bgp.sock'), neighbor };
  fs.writeFileSync(file, JSON.stringify({ ...speaker, originate: prefixes.map((prefix) => ({ prefix, med })) }));
  const args = [path.join(root, 'cli/main.ts'), 'bgp', 'run', '--config', file];
  return lab.start({ name: `bgp-${pop}`, host: pop, command: process.execPath, args });
};

test('upstream takes the anycast prefixes alone, prefers the lower MED, and forgets a PoP that is killed', {
  skip: !isRoot && 'network namespaces need root',
}, async (t) => {
  const made = await labWithBird(t);
  if (made === undefined) return;
  const { lab, bird } = made;
  const [moscow] = await Promise.all([speakAt(lab, 'moscow', 10), speakAt(lab, 'frankfurt', 20)]);
  await bird.until('both announce', WAIT_MS, announcedBy(['moscow', 'frankfurt']));
  assert.ok(leadTo('moscow')(await bird.paths()));
  assert.match(await lab.exec('client1', 'ping', ['-c', '1', ANYCAST.v6]), / 1 received/);
  const told = await lab.exec('upstream', 'ip', ['route', 'show', 'proto', 'bird']);
  assert.match(told, /^192\.0\.2\.0\/24 via 198\.51\.100\.2 dev to-moscow metric 32 *\n$/);
  await moscow.kill();
  await bird.until('its paths are gone', WAIT_MS, announcedBy(['frankfurt']));
  assert.ok(leadTo('frankfurt')(await bird.paths()));
  assert.match(await lab.exec('client1', 'ping', ['-c', '1', ANYCAST.v4]), / 1 received/);
});
