import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { TcpAttempt } from '#host/tcp/connect.ts';
import type { TcpAuthentication } from '#host/tcp/options.ts';
import { TcpStream } from '#host/tcp/stream.ts';
import { inNamespace, ip, needsRoot } from '#host/testing/namespace.ts';
import { addressOf } from '#host/udp/address.ts';
import { labelValues } from '#telemetry/metrics.ts';
import { slotOf } from '#telemetry/slots.ts';
import { DEVICE, testLink } from './testing/link.ts';
import { BgpSide, type SideOptions, until } from './testing/side.ts';

const root = { skip: needsRoot };

const sides = (t: TestContext, one: SideOptions = {}, other: SideOptions = {}): [BgpSide, BgpSide] => {
  const [a, b] = testLink(t);
  return [new BgpSide(t, a, 64500, one), new BgpSide(t, b, 64501, other)];
};

const md5 = (key: string): TcpAuthentication => ({ type: 'md5', key: Buffer.from(key) });
const DIRECT = { hopLimit: 255, leastHopLimit: 255 };

const refusedAt = ({ thread }: BgpSide, reason: 'not_wanted' | 'stranger'): number =>
  thread.slots[slotOf('cloudbridge_bgp_refused_connections_total', { reason })] as number;

test('two threads come to a session, with MD5 and GTSM, and tell each other their routes', root, async (t) => {
  const originate = [{ prefix: '198.51.100.0/24' }, { prefix: '2001:db8:a::/48' }];
  const [one, other] = sides(t, { originate });
  const tcp = { ...DIRECT, authentication: md5('secret') };
  one.add(other, { tcp });
  other.add(one, { tcp });
  await Promise.all([one.up(), other.up()]);
  await until('all is told', async () => (await other.status()).received['update'] === 4);
  const { session, received, sent } = await other.status();
  assert.equal(session?.routerId, '0.0.0.1');
  assert.deepEqual(session?.families, ['ipv4-unicast', 'ipv6-unicast']);
  assert.ok((received['open'] ?? 0) >= 1 && (sent['keepalive'] ?? 0) >= 1);
  const { slots } = one.thread;
  assert.equal(slots[slotOf('cloudbridge_bgp_neighbours_count', { state: 'established' })], 1);
  const lost = one.notices.filter((notice) => notice.type === 'ended' && notice.wasEstablished);
  assert.deepEqual(lost, []);
  assert.equal(slots[slotOf('cloudbridge_bgp_sessions_total', {})], 1);
  assert.equal(slots[slotOf('cloudbridge_bgp_messages_total', { type: 'update', direction: 'sent' })], 4);
});

test('who announces more routes than memory may hold loses its session, and is told why', root, async (t) => {
  const originate = Array.from({ length: 20_000 }, (_, i) => ({
    prefix: `10.${i >>> 8}.${i & 255}.0/24`,
    communities: [[i >>> 8, i & 255]] as const,
  }));
  const [one, other] = sides(t, { originate }, { mostBytes: 4 * 2 ** 20 });
  one.add(other);
  other.add(one);
  const isEnd = (side: BgpSide) => side.notices.find((notice) => notice.type === 'ended' && notice.wasEstablished);
  await until('the session ends at both ends', () => isEnd(one) !== undefined && isEnd(other) !== undefined);
  const told = [other, one].map((side) => isEnd(side) as { readonly text: string });
  assert.match(told[0]?.text ?? '', /routes take more than 4194304 bytes/);
  assert.match(told[1]?.text ?? '', /out of resources/i);
  const { slots } = other.thread;
  const at = slotOf('cloudbridge_bgp_ended_connections_total', { cause: 'resources', established: 'yes' });
  assert.ok((slots[at] as number) >= 1);
  const bytes = (): number => slots[slotOf('cloudbridge_bgp_routes_bytes', {})] as number;
  await until('what they take is counted', () => bytes() > 0 && bytes() < 5 * 2 ** 20);
});

test('what the kernel leads nowhere is no next hop, until it does (RFC 4271 §9.1.2)', root, async (t) => {
  const [a, b] = testLink(t);
  const one = new BgpSide(t, a, 64500, { originate: [{ prefix: '198.51.100.0/24' }] });
  const other = new BgpSide(t, b, 64501, { nextHops: 'kernel' });
  const beyond = '203.0.113.9';
  one.add(other, { routes: { nextHop4: beyond } });
  other.add(one);
  await Promise.all([one.up(), other.up()]);
  const usable = async () => (await other.thread.list({ isBest: false })).routes.map((route) => route.usable);
  const is = (wanted: boolean) => async () => isDeepStrictEqual(await usable(), [wanted]);
  await until('it is there, and cannot be used', is(false));
  const route = ['203.0.113.0/24', 'via', a.address4, 'dev', DEVICE, 'metric', '7'];
  ip('-n', b.namespace, 'route', 'add', ...route);
  await until('it can, once there is a way', is(true));
  ip('-n', b.namespace, 'route', 'add', 'unreachable', `${beyond}/32`);
  await until('a longer route that leads nowhere', is(false));
  ip('-n', b.namespace, 'route', 'del', 'unreachable', `${beyond}/32`);
  await until('it can again', is(true));
  ip('-n', b.namespace, 'link', 'add', 'veth8', 'type', 'veth', 'peer', 'name', 'veth9');
  ip('-n', b.namespace, 'address', 'add', '203.0.113.1/25', 'dev', 'veth8');
  ip('-n', b.namespace, 'route', 'del', ...route);
  await until('the link is not up', is(false));
  for (const device of ['veth8', 'veth9']) ip('-n', b.namespace, 'link', 'set', device, 'up');
  await until('it is connected', is(true));
  ip('-n', b.namespace, 'link', 'set', 'veth8', 'down');
  await until('the link went down, which nobody tells of each route', is(false));
});

test('IPv6: a session between link addresses, bound to the interface', root, async (t) => {
  const [one, other] = sides(t);
  one.add(other, { address: other.end.address6, device: DEVICE, localAddress: one.end.address6 });
  other.add(one, { address: one.end.address6, device: DEVICE });
  await Promise.all([one.up(), other.up()]);
});

test('no session with another key, or from farther away than GTSM lets it be', root, async (t) => {
  const [one, other] = sides(t);
  const mine = one.add(other, { tcp: { ...DIRECT, authentication: md5('one') } });
  const theirs = other.add(one, { tcp: { ...DIRECT, authentication: md5('two') } });
  await until('they try', () => one.notices.some((notice) => notice.type === 'changed' && notice.to === 'connect'));
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.notEqual((await one.status()).state, 'established');
  one.thread.post({ type: 'remove', id: mine });
  other.thread.post({ type: 'remove', id: theirs });
  one.add(other, { tcp: DIRECT });
  other.add(one, { tcp: { hopLimit: 254, leastHopLimit: 0 } });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  assert.notEqual((await one.status()).state, 'established');
});

test('a neighbour that is to be had anew, by other settings, is told so', root, async (t) => {
  const [one, other] = sides(t);
  const id = one.add(other);
  other.add(one);
  await Promise.all([one.up(), other.up()]);
  one.thread.post({ type: 'remove', id, isChanged: true });
  await until('why', () => other.endings.includes('received Cease, Other Configuration Change'));
});

test('a neighbour that is stopped, started and removed is told each time', root, async (t) => {
  const [one, other] = sides(t);
  const id = one.add(other);
  other.add(one);
  await Promise.all([one.up(), other.up()]);
  one.thread.post({ type: 'stop', id, text: 'maintenance' });
  await until('why', () => other.endings.includes('received Cease, Administrative Shutdown: maintenance'));
  await until('it is refused', () => refusedAt(one, 'not_wanted') > 0);
  one.thread.post({ type: 'start', id });
  await Promise.all([one.up(), other.up()]);
  one.thread.post({ type: 'remove', id });
  await until('why', () => other.endings.includes('received Cease, Peer De-configured'));
  assert.deepEqual(await one.thread.status(), []);
  const states = labelValues('cloudbridge_bgp_neighbours_count', 'state');
  const counts = states.map((state) => one.thread.slots[slotOf('cloudbridge_bgp_neighbours_count', { state })]);
  assert.deepEqual(new Set(counts), new Set([0]), 'it counts no more');
  await until('it is a stranger', () => refusedAt(one, 'stranger') > 0);
});

test('a restart, BFD Down, and a thread that ends, are told at once', root, async (t) => {
  const [one, other] = sides(t);
  const id = one.add(other);
  other.add(one);
  await Promise.all([one.up(), other.up()]);
  one.thread.post({ type: 'restart', id, text: '' });
  await until('why', () => other.endings.includes('received Cease, Administrative Reset'));
  await Promise.all([one.up(), other.up()]);
  one.thread.post({ type: 'bfd_down', id });
  await until('why', () => other.endings.includes('received Cease, BFD Down'));
  await Promise.all([one.up(), other.up()]);
  await one.thread.stop('moving');
  await until('why', () => other.endings.includes('received Cease, Administrative Shutdown: moving'));
});

test('more prefixes than a neighbour may have end the session (RFC 4486 §4)', root, async (t) => {
  const originate = [1, 2, 3].map((n) => ({ prefix: `198.51.${n}.0/24` }));
  const [one, other] = sides(t, { originate });
  one.add(other);
  other.add(one, { routes: { limits: [{ family: 0x0101, paths: 2 }] } });
  await until('it is too much', () => one.endings.includes('received Cease, Maximum Number of Prefixes Reached'));
  const status = await other.status();
  assert.match(
    status.lastSession?.reason ?? '',
    /^sent Cease, Maximum Number of Prefixes Reached: ipv4-unicast: .* more than 2 paths$/,
  );
  assert.ok((status.heldBackSeconds ?? 0) > 590);
});

test(
  'a limit of prefixes changes while the session stays; below what there is it ends it, raised it has it again at once',
  root,
  async (t) => {
    const originate = [1, 2, 3].map((n) => ({ prefix: `198.51.${n}.0/24` }));
    const [one, other] = sides(t, { originate });
    one.add(other);
    const limitedTo = (paths: number) => ({ limits: [{ family: 0x0101, paths }] });
    const id = other.add(one, { routes: limitedTo(4) });
    const { routes } = other.configOf(one);
    const limit = (paths: number): void =>
      other.thread.post({ type: 'change', id, routes: { ...routes, ...limitedTo(paths) } });
    await Promise.all([one.up(), other.up()]);
    const received = async (): Promise<number | undefined> => (await other.status()).routes['ipv4-unicast']?.received;
    await until('all have come', async () => (await received()) === 3);
    const { sessions } = await other.status();
    const ends = other.endings.length;
    for (const paths of [3, 1000, 3]) limit(paths);
    assert.deepEqual([(await other.status()).sessions, await received(), other.endings.length], [sessions, 3, ends]);
    limit(2);
    await until('it is too much', () => one.endings.includes('received Cease, Maximum Number of Prefixes Reached'));
    const status = await other.status();
    assert.match(
      status.lastSession?.reason ?? '',
      /^sent Cease, Maximum Number of Prefixes Reached: .* more than 2 paths$/,
    );
    assert.ok((status.heldBackSeconds ?? 0) > 590);
    // What is no higher than before leaves it held back.
    limit(2);
    limit(1);
    assert.ok(((await other.status()).heldBackSeconds ?? 0) > 590);
    other.thread.post({
      type: 'policies',
      policies: { ruleSets: {} },
      changes: [{ id, routes: { ...routes, ...limitedTo(3) } }],
    });
    await until('all have come again', async () => (await received()) === 3);
    assert.equal((await other.status()).heldBackSeconds, undefined);
    other.thread.post({
      type: 'policies',
      policies: { ruleSets: {} },
      changes: [{ id, routes: { ...routes, ...limitedTo(2) } }],
    });
    await until('it is too much again', async () => ((await other.status()).heldBackSeconds ?? 0) > 590);
  },
);

test('without a policy an external neighbour is told nothing and gives nothing (RFC 8212)', root, async (t) => {
  const originate = [{ prefix: '198.51.100.0/24' }];
  const [one, other] = sides(t, { originate });
  one.add(other, { routes: { import: undefined, export: undefined } });
  other.add(one);
  await Promise.all([one.up(), other.up()]);
  // The End-of-RIB markers alone.
  await until('all is told', async () => (await other.status()).received['update'] === 2);
});

test('own routes, policies and their use change while the session stays', root, async (t) => {
  const [one, other] = sides(t);
  const id = one.add(other, { routes: { export: 'own' } });
  other.add(one);
  await Promise.all([one.up(), other.up()]);
  const kept = async (): Promise<number> => (await other.status()).routes['ipv4-unicast']?.received ?? 0;
  one.thread.post({ type: 'originate', origin: { prefix: '198.51.100.0/24' } });
  one.thread.post({ type: 'originate', origin: { prefix: '198.51.101.0/24' } });
  await until('both', async () => (await kept()) === 2);
  const rules = { few: [{ match: { prefixes: ['198.51.101.0/24'] }, end: 'accept' as const }] };
  const few = [{ id, routes: { ...one.configOf(other).routes, export: 'few' } }];
  one.thread.post({ type: 'policies', policies: { ruleSets: rules }, changes: few });
  await until('one goes', async () => (await kept()) === 1);
  const [first, second] = (await one.thread.explain('198.51.100.0/24')).routes;
  assert.deepEqual([first?.from, first?.to, first?.explanation.accepted], ['own', other.end.namespace, false]);
  assert.equal(second, undefined);
  const all = [{ id, routes: { ...one.configOf(other).routes, export: 'more' } }];
  one.thread.post({ type: 'policies', policies: { ruleSets: { more: [{ end: 'accept' }] } }, changes: all });
  await until('it comes back', async () => (await kept()) === 2);
  one.thread.post({ type: 'withdraw', prefix: '198.51.101.0/24' });
  await until('it is withdrawn', async () => (await kept()) === 1);
  assert.equal((await other.status()).sessions, 1);
});

test(
  'a stranger is closed without a byte, an address that is taken and an interface that is not there are refused',
  root,
  async (t) => {
    const [one, other] = sides(t);
    one.add(other);
    await Promise.all([one.thread.ready, other.thread.ready]);
    const heard = await new Promise<Error | number | string>((resolve) => {
      inNamespace(one.end.path, () => {
        const [here, there] = [addressOf('127.0.0.1'), addressOf('127.0.0.1', 179)];
        return new TcpAttempt(here, '', there, DIRECT, (result) => {
          if (typeof result !== 'number') resolve(result);
          else new TcpStream(result, { received: (_, length) => resolve(length), drained: () => {}, ended: resolve });
        });
      });
    });
    assert.match(String(heard), /closed|reset/i);
    assert.equal(refusedAt(one, 'stranger'), 1);
    one.add(other);
    const refusals = () => one.notices.flatMap((notice) => (notice.type === 'refused' ? [notice.message] : []));
    await until('it is refused', () => refusals().length === 1);
    one.add(other, { address: '192.0.2.77', device: 'no-such' });
    await until('it is refused', () => refusals().length === 2);
    assert.match(refusals()[0] ?? '', /^192\.0\.2\.2 is another neighbour's address already$/);
    assert.match(refusals()[1] ?? '', /ENODEV/);
  },
);

test('a link that is cut is noticed by the hold time, a link that goes down by TCP no earlier', root, async (t) => {
  const [one, other] = sides(t);
  one.add(other, { session: { holdTimeS: 3 } });
  other.add(one);
  await Promise.all([one.up(), other.up()]);
  ip('-n', one.end.namespace, 'link', 'set', DEVICE, 'down');
  await until('the hold time passes', () => other.endings.some((text) => text.startsWith('sent Hold Timer Expired')));
});

test('routes that begin here can be others, and be told otherwise, while the session goes on', root, async (t) => {
  const [one, other] = sides(t);
  const id = one.add(other, { routes: { export: 'own' } });
  other.add(one);
  await Promise.all([one.up(), other.up()]);
  const received = async (): Promise<number> => (await other.status()).received['update'] ?? 0;
  await until('the End-of-RIB markers', async () => (await received()) === 2);
  const origins = [{ prefix: '198.51.100.0/24' }, { prefix: '2001:db8:a::/48' }];
  for (const origin of origins) one.thread.post({ type: 'originate', origin });
  await until('both are told', async () => (await received()) === 4);
  const { routes } = one.configOf(other, { routes: { export: 'own' } });
  const edit = { med: 1000, prepend: 3, communities: [[65_535, 0]] as const, largeCommunities: [] };
  one.thread.post({ type: 'change', id, routes: { ...routes, edit } });
  await until('both are told otherwise', async () => (await received()) === 6);
  one.thread.post({ type: 'withdraw', prefix: '2001:db8:a::/48' });
  await until('one is withdrawn, the other is as it was', async () => (await received()) === 7);
  const withdrawn = performance.now();
  one.thread.post({ type: 'withdraw', prefix: '198.51.100.0/24' });
  await until('all is withdrawn', async () => (await received()) === 8);
  assert.ok(performance.now() - withdrawn < 1000);
  assert.equal((await other.status()).sessions, 1);
});
