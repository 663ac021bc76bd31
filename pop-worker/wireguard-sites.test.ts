import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { needsWireGuardGo } from '#host/wireguard/testing/wireguard-go.ts';
import { MeshWorlds } from './testing/mesh-worlds.ts';
import { behind, Site } from './testing/site.ts';
import { type WireGuardIdentity, wireguard, withWireGuard } from './testing/wireguard-device.ts';
import { deviceOf, EDGE4, EDGE6, needsNamespaces, type World } from './testing/world.ts';

const skip = { skip: needsNamespaces || needsWireGuardGo };

const siteOf = (tenant: 'red' | 'blue', n: number, more: Partial<WireGuardIdentity> = {}): WireGuardIdentity => ({
  ...wireguard(deviceOf(tenant, n), tenant === 'red' ? n : 100 + n),
  networks: behind(tenant, n),
  ...more,
});

const meshed = async (t: TestContext, identities: readonly WireGuardIdentity[], count = 2): Promise<MeshWorlds> => {
  const mesh = new MeshWorlds(t, count);
  const lines = (member: number) => withWireGuard(mesh.world(member), identities);
  await mesh.start(
    undefined,
    (member) => lines(member)[1],
    (member) => lines(member)[0],
  );
  for (const member of mesh.members)
    await mesh
      .world(member)
      .until('all links are up', async () => (await mesh.status(member)).peers.every(({ isLinked }) => isLinked));
  return mesh;
};

/** What ping says of three packets. */
const ping = (site: Site, address: string, ...options: string[]): Promise<string> =>
  site.exec('sh', '-c', `ping -n -c 3 -i 0.1 -W 2 ${options.join(' ')} ${address} || true`);

const reaches = async (site: Site, address: string): Promise<boolean> => / 3 received/.test(await ping(site, address));

test(
  'hosts behind sites reach each other through one worker and through two, over both families, and none of another tenant',
  skip,
  async (t) => {
    const [r2, r3, r4, b2] = [siteOf('red', 2), siteOf('red', 3), siteOf('red', 4), siteOf('blue', 2)];
    const mesh = await meshed(t, [r2, r3, r4, b2]);
    const [a, b] = [mesh.world(1), mesh.world(2)];
    const [one, two, far, foreign] = [
      new Site(t, a, 'red', 2),
      new Site(t, a, 'red', 3),
      new Site(t, b, 'red', 4),
      new Site(t, b, 'blue', 2),
    ];
    await one.connect(t, a, r2);
    await two.connect(t, a, r3);
    await far.connect(t, b, r4);
    await foreign.connect(t, b, b2);
    for (const member of mesh.members)
      await a.until('all are known', async () => (await mesh.status(member)).devices === 4);
    for (const [from, to] of [
      [one, two],
      [two, one],
      [one, far],
      [far, one],
      [far, two],
    ] as const)
      for (const address of [to.address4, to.address6])
        await a.until(`${address} answers`, () => reaches(from, address), 10_000);
    // The other tenant has a network of the same numbers, and a router that leads to ours.
    for (const address of [one.address6, far.address4]) assert.match(await ping(foreign, address), / 0 received/);
    assert.ok(await reaches(foreign, '10.64.0.1'), 'the edge itself answers');
    for (const [nobody, words] of [
      ['10.65.99.1', /Destination Net Unreachable/],
      ['fd00:1:0:99::1', /Destination unreachable: No route/],
    ] as const)
      assert.match(await ping(one, nobody), words);
  },
);

/** Pings one of each tenth of a second while `act` is done. @returns the longest time without an answer, ms */
const gap = async (from: Site, address: string, seconds: number, act: () => unknown): Promise<number> => {
  const pinging = from.exec('sh', '-c', `ping -n -D -i 0.1 -W 1 -c ${10 * seconds} ${address} || true`);
  await pause(1500);
  await act();
  const times = Array.from((await pinging).matchAll(/^\[(\d+\.\d+)\] \d+ bytes from/gm), ([, at]) => 1000 * Number(at));
  assert.ok(times.length > 10, `${times.length} answers`);
  return Math.max(...times.slice(1).map((at, i) => at - (times[i] as number)));
};

/** A site with a tunnel to each of two workers, the first of which it prefers, and so does the edge. */
const twoPops = async (t: TestContext, more: Partial<WireGuardIdentity> = {}) => {
  const main = siteOf('red', 2, { site: 'berlin', ...more });
  const spare = { ...siteOf('red', 12, { site: 'berlin', metric: 10, ...more }), networks: behind('red', 2) };
  const other = siteOf('red', 3);
  const mesh = await meshed(t, [main, spare, other]);
  const [a, b] = [mesh.world(1), mesh.world(2)];
  const far = new Site(t, b, 'red', 3);
  await far.connect(t, b, other);
  const site = new Site(t, a, 'red', 2);
  site.linkTo(b);
  await site.connect(t, a, main);
  await site.connect(t, b, spare, { edge: EDGE6, metric: 1010 });
  for (const member of mesh.members)
    await a.until('all are known', async () => (await mesh.status(member)).devices === 3, 10_000);
  await a.until('it answers', () => reaches(far, site.address4), 10_000);
  return { mesh, a, b, far, site, main, spare };
};

test(
  'a PoP dies: what is for the site goes by its other tunnel, and by the first one again once that is back',
  skip,
  async (t) => {
    const { a, b, far, site } = await twoPops(t);
    const sent = (world: World) => world.metric('cloudbridge_wireguard_packets_total{direction="sent"}');
    const [before] = [await sent(a)];
    await reaches(far, site.address4);
    assert.ok((await sent(a)) - before >= 3, 'by the first tunnel');
    // The site finds out by itself.
    site.follow();
    const inwards = gap(far, site.address4, 12, () => a.endWorker('SIGKILL'));
    const outwards = gap(site, far.address4, 12, () => {});
    t.diagnostic(`the PoP dies: ${Math.round(await inwards)} ms without an answer to who asks the site`);
    t.diagnostic(`…and ${Math.round(await outwards)} ms to who asks from inside of it`);
    for (const address of [site.address4, site.address6])
      await b.until(`${address} answers`, () => reaches(far, address), 10_000);
    assert.ok(await reaches(site, far.address6));
    await a.startWorker();
    await a.until(
      'it is there again',
      async () => (await a.metric('cloudbridge_wireguard_site_devices{state="reached"}')) === 1,
    );
    const again = await sent(a);
    await a.until(
      'by the first tunnel',
      async () => (await reaches(far, site.address4)) && (await sent(a)) - again >= 3,
    );
  },
);

test(
  'a tunnel that nothing comes through any more, and a site that does not answer behind one that works, are given up',
  skip,
  async (t) => {
    const [inside] = behind('red', 2).map((prefix) => prefix.replace('.0/24', '.2'));
    const { a, b, far, site } = await twoPops(t, { probe: inside as string });
    const state = (world: World, which: string) => world.metric(`cloudbridge_wireguard_site_devices{state="${which}"}`);
    site.follow();
    const eth0 = (verb: 'add' | 'del') => a.run(site.namespace, 'ip', 'route', verb, 'blackhole', `${EDGE4}/32`);
    const dead = await gap(far, site.address4, 14, () => eth0('add'));
    t.diagnostic(`a tunnel dies: ${Math.round(dead)} ms without an answer`);
    await a.until('it is lost', async () => (await state(a, 'reached')) === 0);
    assert.ok(await reaches(far, site.address4));
    eth0('del');
    await a.until('it is reached again', async () => (await state(a, 'reached')) === 1);
    // Nobody is behind either of them.
    await site.exec('ip', 'address', 'del', `${site.address4}/24`, 'dev', 'eth0');
    for (const world of [a, b]) await world.until('it is lost', async () => (await state(world, 'reached')) === 0);
    assert.match(await ping(far, site.address4), /Destination Net Unreachable/);
    for (const series of ['changes_total{to="lost"}', 'changes_total{to="reached"}', 'probes_total{what="answered"}'])
      assert.ok((await a.metric(`cloudbridge_wireguard_site_${series}`)) >= 1, series);
  },
);

/** What a host sends, as one of the far site's takes it: bytes, and the largest segment that both agreed on. */
const transfer = async (from: Site, to: Site, address: string): Promise<{ bytes: number; mss: number }> => {
  const server = `net.createServer((s) => { let n = 0; s.on('data', (d) => (n += d.length)).on('end', () => { s.end(); console.log(n); process.exit(); }); }).listen(9000, '::', () => setTimeout(process.exit, 20000))`;
  const taken = to.exec(process.execPath, '-e', server);
  const client = `const s = net.connect({ host: '${address}', port: 9000 }).on('error', () => setTimeout(process.exit, 100, 1)).on('connect', () => s.write(Buffer.alloc(300000), () => { console.log(child_process.execSync('ss -tinH dst ${address.includes(':') ? `[${address}]` : address}').toString()); s.end(); }))`;
  let said = '';
  for (let tries = 0; said === '' && tries < 50; tries++)
    said = await from.exec(process.execPath, '-e', client).catch(() => '');
  return { bytes: Number(await taken), mss: Number(/\bmss:(\d+)/.exec(said)?.[1]) };
};

test(
  'what is too large for the tunnels is told by ICMP that gets through, and TCP agrees on segments that fit',
  skip,
  async (t) => {
    const [r2, r3, r4] = [siteOf('red', 2), siteOf('red', 3), siteOf('red', 4)];
    const mesh = await meshed(t, [r2, r3, r4]);
    const [a, b] = [mesh.world(1), mesh.world(2)];
    const [one, two, far] = [new Site(t, a, 'red', 2), new Site(t, a, 'red', 3), new Site(t, b, 'red', 4)];
    // Routers whose tunnels seem to take more than the edge carries: nobody before it says anything.
    for (const [site, world, identity] of [
      [one, a, r2],
      [two, a, r3],
      [far, b, r4],
    ] as const) {
      const { name } = await site.connect(t, world, identity);
      a.run(site.namespace, 'ip', 'link', 'set', name, 'mtu', '1480');
    }
    for (const to of [two, far]) await a.until('it answers', () => reaches(one, to.address4), 10_000);
    for (const to of [two, far]) {
      // Before anything has told of a path's MTU: it is the edge that lowers them. 12 bytes are of timestamps.
      assert.deepEqual(await transfer(one, to, to.address4), { bytes: 300_000, mss: 1368 });
      assert.deepEqual(await transfer(one, to, to.address6), { bytes: 300_000, mss: 1348 });
      assert.match(
        await ping(one, to.address4, '-M do -s 1430'),
        /From \S+ icmp_seq=\d+ Frag needed and DF set \(mtu = 1420\)/,
      );
      assert.match(await ping(one, to.address6, '-s 1400'), /Packet too big: mtu=1420/);
      assert.match(await ping(one, to.address4, '-M do -s 1392'), / 3 received/, '1420 in all');
    }
  },
);
