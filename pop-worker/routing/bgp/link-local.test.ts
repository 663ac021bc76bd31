import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inNamespace, ip, needsRoot } from '#host/testing/namespace.ts';
import { linkLocal } from '../bfd/testing/link.ts';
import { globalBeside, reachableAddress } from './link-address.ts';
import { DEVICE, testLink } from './testing/link.ts';
import { BgpSide, until } from './testing/side.ts';

const root = { skip: needsRoot };
const DIRECT = { hopLimit: 255, leastHopLimit: 255 };
const routes = { nextHop4: undefined, nextHop6: undefined };

/** Two speakers that know each other by their link-local addresses and the name of their interface. */
const made = (t: Parameters<typeof testLink>[0]) => {
  const [a, b] = testLink(t);
  const [atA, atB] = [a, b].map((end) => linkLocal({ ...end, device: DEVICE }));
  const one = new BgpSide(t, a, 64_500, { originate: [{ prefix: '2001:db8:a::/48', communities: [] }] });
  const two = new BgpSide(t, b, 64_501, { originate: [{ prefix: '2001:db8:b::/48', communities: [] }] });
  const toB = inNamespace(a.path, () => reachableAddress(`${atB?.host}%${DEVICE}`));
  const toA = inNamespace(b.path, () => reachableAddress(`${atA?.host}%${DEVICE}`));
  const meet = (nextHop6?: string): void => {
    one.add(two, { address: toB ?? '', device: DEVICE, tcp: DIRECT, routes: { ...routes, nextHop6 } });
    two.add(one, { address: toA ?? '', device: DEVICE, tcp: DIRECT, routes });
  };
  /** The next hop that a neighbour has told us. */
  const hop = async (side: BgpSide, prefix: string): Promise<string | undefined> =>
    (await side.thread.list({ prefix, isBest: true })).routes[0]?.nextHop;
  const told = async (side: BgpSide, prefix: string): Promise<string> => {
    await until(`${prefix} is told`, async () => (await hop(side, prefix)) !== undefined);
    return (await hop(side, prefix)) ?? '';
  };
  return { a, b, atA, atB, one, two, meet, told };
};

test(
  'a session between link-local addresses: next hops are a global address and the link-local one (RFC 2545 §3)',
  root,
  async (t) => {
    const { a, atA, atB, one, two, meet, told } = made(t);
    meet();
    await Promise.all([one.up(), two.up()]);
    assert.equal(await told(two, '2001:db8:a::/48'), `2001:db8::1 ${atA?.host}`);
    assert.equal(await told(one, '2001:db8:b::/48'), `2001:db8::2 ${atB?.host}`);
    // One session, whoever has connected: nobody took the other for a stranger.
    assert.equal((await one.status()).sessions, 1);
    assert.equal(
      inNamespace(a.path, () => globalBeside(`${atA?.host}%${atA?.index}`)),
      '2001:db8::1',
    );
  },
);

test(
  'on a link without global addresses, or where none is to be told, the link-local one is the next hop',
  root,
  async (t) => {
    const { b, atA, atB, one, two, meet, told } = made(t);
    ip('-n', b.namespace, 'address', 'delete', `${b.address6}/64`, 'dev', DEVICE);
    meet('::');
    await Promise.all([one.up(), two.up()]);
    assert.equal(await told(two, '2001:db8:a::/48'), atA?.host);
    assert.equal(await told(one, '2001:db8:b::/48'), atB?.host);
  },
);

test('an interface is known by its name or number, and one that is not there by nothing', () => {
  assert.equal(reachableAddress('fe80::1%lo'), 'fe80::1%1');
  assert.equal(reachableAddress('fe80::1%7'), 'fe80::1%7');
  assert.equal(reachableAddress('fe80::1%nowhere'), undefined);
  assert.equal(reachableAddress('192.0.2.1'), '192.0.2.1');
  assert.equal(globalBeside('192.0.2.1'), undefined);
  assert.equal(globalBeside('fe80::1%99999'), undefined);
});
