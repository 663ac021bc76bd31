import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { wgQuick } from '#cli/wireguard/wg-quick.ts';
import { privateKeyOf, rawPublicKey } from '#host/wireguard/x25519.ts';
import { wireguardKeyText } from '#model/wireguard.ts';
import { connected, MeshWorlds } from '#pop-worker/testing/mesh-worlds.ts';
import { behind, Site } from '#pop-worker/testing/site.ts';
import {
  WIREGUARD_PORT,
  type WireGuardIdentity,
  WORKER_KEY,
  wireguard,
  withWireGuard,
} from '#pop-worker/testing/wireguard-device.ts';
import { deviceOf, EDGE4, EDGE6, type World } from '#pop-worker/testing/world.ts';
import { wireguardTools } from '#scripts/setup/debian-peers.mjs';
import { wireguardGoPeer } from '#scripts/setup/go-peers.mjs';
import type { Proof } from './proof.ts';

const NETWORKS = behind('red', 2);
/** The two tunnels of a site, the first of which goes before. */
const TUNNELS: readonly WireGuardIdentity[] = [
  { ...wireguard(deviceOf('red', 2), 2), networks: NETWORKS, site: 'berlin', keepaliveSeconds: 25 },
  { ...wireguard(deviceOf('red', 12), 12), networks: NETWORKS, site: 'berlin', metric: 10, keepaliveSeconds: 25 },
];
const CLIENT = deviceOf('red', 3);
const FAILOVER_MS = 20_000;

/** What `cloudbridge device config --wireguard --private-only` prints of a tunnel. */
const printed = (tunnel: WireGuardIdentity, edge: string): string =>
  wgQuick({
    ...{ device: `red/${tunnel.device}`, privateKey: wireguardKeyText(new Uint8Array(32).fill(tunnel.number)) },
    ...{ addresses: [tunnel.ipv4, tunnel.ipv6], networks: NETWORKS, tenantPrefixes: ['10.64.0.0/10', 'fd00:1::/48'] },
    ...{ everything: false, resolvers: [], mtu: 1400, presharedKey: undefined, wantsPresharedKey: false },
    ...{ edgeKey: wireguardKeyText(rawPublicKey(privateKeyOf(WORKER_KEY))), keepaliveSeconds: 25 },
    endpoint: `${edge.includes(':') ? `[${edge}]` : edge}:${WIREGUARD_PORT}`,
    site: { metric: tunnel.metric ?? 0, table: 1000 + tunnel.number },
  });

const answers = async (world: World, namespace: string, to: string): Promise<boolean> => {
  const said = await world.exec(namespace, 'sh', '-c', `ping -n -c 3 -i 0.1 -W 1 ${to} || true`);
  return / 3 received/.test(said);
};

/** Two PoPs, as workers of a mesh. @param t whose end is theirs */
const startPops = async (t: ConstructorParameters<typeof MeshWorlds>[0]): Promise<MeshWorlds> => {
  const mesh = new MeshWorlds(t, 2);
  const lines = (member: number) => withWireGuard(mesh.world(member), TUNNELS);
  await mesh.start(
    undefined,
    (member) => lines(member)[1],
    (member) => lines(member)[0],
  );
  return mesh;
};

/** `wg-quick` of the system's tools, in a site's router. @returns how to run it, and names of interfaces by the files' order */
const quickOf = async (world: World, { namespace }: Site, folder: string) => {
  const { programs } = await wireguardTools();
  const files = [EDGE4, EDGE6].map((edge, i) => {
    const file = path.join(folder, `cwp${i}x${process.pid % 100_000}.conf`);
    writeFileSync(file, printed(TUNNELS[i] as WireGuardIdentity, edge), { mode: 0o600 });
    return file;
  });
  const env = [
    `PATH=${path.dirname(programs.wg)}:${process.env['PATH']}`,
    `WG_QUICK_USERSPACE_IMPLEMENTATION=${await wireguardGoPeer()}`,
  ];
  return {
    names: files.map((file) => path.basename(file, '.conf')),
    run: async (what: 'up' | 'down') => {
      for (const file of files) await world.exec(namespace, 'env', ...env, 'bash', programs['wg-quick'], what, file);
    },
  };
};

/**
 * A site's router with two printed files and a real `wg-quick`: a host behind it and a client of the tenant reach each other, also
 * when the PoP that was active is killed, and by that one again once it is back; `wg-quick down` leaves nothing.
 */
const prove = async (t: ConstructorParameters<typeof MeshWorlds>[0], folder: string): Promise<void> => {
  const mesh = await startPops(t);
  const [a, b] = [mesh.world(1), mesh.world(2)];
  const client = await connected(b, CLIENT);
  const site = new Site(t, a, 'red', 2);
  site.linkTo(b);
  const quick = await quickOf(a, site, folder);
  const pings = async (): Promise<boolean> => {
    for (const to of [CLIENT.ipv4, CLIENT.ipv6]) if (!(await answers(a, site.host, to))) return false;
    for (const to of [site.address4, site.address6]) if (!(await answers(b, client.namespace, to))) return false;
    return true;
  };
  const sent = (world: World) => world.metric('cloudbridge_wireguard_packets_total{direction="sent"}');
  try {
    await quick.run('up');
    await a.until('host and client reach each other', pings);
    const before = await sent(a);
    assert.ok((await pings()) && (await sent(a)) - before >= 12, 'by the first PoP, what its metric says');
    site.follow(quick.names);
    await a.endWorker('SIGKILL');
    await b.until('they do by the other PoP', pings, FAILOVER_MS);
    assert.match(a.run(site.namespace, 'ip', 'route', 'get', CLIENT.ipv4), new RegExp(` dev ${quick.names[1]} `));
    await a.startWorker();
    await a.until('by the first one again', async () => {
      const sentBefore = await sent(a);
      return (await pings()) && (await sent(a)) - sentBefore >= 12;
    });
  } finally {
    await quick.run('down').catch(() => undefined);
  }
  const left = ['-4', '-6'].map((family) => a.run(site.namespace, 'ip', family, 'rule')).join('');
  assert.doesNotMatch(left, /lookup 10\d\d/);
  const links = a.run(site.namespace, 'ip', '-o', 'link');
  for (const name of quick.names) assert.ok(!links.includes(name), name);
};

export const pops: Proof = async () => {
  const endings: (() => unknown)[] = [];
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-pops-'));
  try {
    await prove({ after: (end: unknown) => void endings.push(end as () => unknown) }, folder);
  } finally {
    for (const end of endings.reverse()) await end();
    rmSync(folder, { recursive: true, force: true });
  }
};
