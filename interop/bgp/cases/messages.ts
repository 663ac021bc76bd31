import assert from 'node:assert/strict';
import { type FamilyName, OURS, type Peer, type PlainRoute, sorted } from '../peer.ts';
import { addressOf, bothEstablished, nameIn, oneSession, withScene } from '../scene.ts';
import { until } from '../until.ts';
import { OUR_ORIGINS, other, type Proof, THEIRS } from './proof.ts';

export const largest: Proof = (name) => {
  const communities = Array.from({ length: 600 }, (_, i) => `64999:${i}:1`);
  const routes = [{ prefix: '203.0.113.0/24', largeCommunities: communities }];
  const sessions = oneSession({ extendedMessages: true });
  const cast = [
    { name, setup: { sessions, routes } },
    { name: other(name), setup: { sessions, routes: [] } },
  ];
  return withScene({ cast }, async ({ ours, peers }) => {
    const receiver = peers[1] as Peer;
    const isWhole = (all: readonly PlainRoute[]): boolean => all[0]?.largeCommunities === sorted(communities);
    await until('we have the route', async () => isWhole(await ours.routes(nameIn(name, 4), 'ipv4-unicast')));
    assert.equal((await ours.status(nameIn(name, 4))).session?.largestMessage, 65_535);
    await until('the other one has it by us', async () => isWhole(await receiver.routes(4, 'ipv4-unicast')));
  });
};

/** IPv4 over a session of IPv6, with next hops of IPv6. */
export const extendedNextHop: Proof = (name) => {
  const families: readonly FamilyName[] = ['ipv4-unicast', 'ipv6-unicast'];
  const sessions = [{ over: 6, families, extendedNextHop: true }] as const;
  const cast = [{ name, setup: { sessions, routes: THEIRS }, ours: { next_hop4: undefined } }];
  return withScene({ cast, originate: OUR_ORIGINS }, async ({ ours, peer }) => {
    await bothEstablished(ours, peer, name, 6);
    await until('we have its IPv4 route by an IPv6 next hop', async () => {
      const [route] = await ours.routes(nameIn(name, 6), 'ipv4-unicast');
      return route?.nextHop === addressOf(name, 6);
    });
    await until('it has our IPv4 route by an IPv6 next hop', async () => {
      const [route] = await peer.routes(6, 'ipv4-unicast');
      return route?.nextHop === OURS.six;
    });
  });
};

export const flowSpec: Proof = (name) => {
  const sessions = oneSession({ families: ['ipv4-unicast', 'ipv4-flow'] });
  const cast = [
    { name, setup: { sessions, routes: [{ prefix: '203.0.113.0/24', dropPort: 80 }] } },
    { name: other(name), setup: { sessions, routes: [] } },
  ];
  return withScene({ cast }, async ({ ours, peers }) => {
    const receiver = peers[1] as Peer;
    await until('we have it', async () => {
      const [route] = await ours.routes(nameIn(name, 4), 'ipv4-flow');
      return (
        route?.prefix === 'destination 203.0.113.0/24, destination-port =80' &&
        /^0x8006/.test(route.extendedCommunities)
      );
    });
    await until('the other one has it by us', async () => {
      const [route] = await receiver.routes(4, 'ipv4-flow');
      return /203\.0\.113\.0\/24/.test(route?.prefix ?? '') && /\b80\b/.test(route?.prefix ?? '');
    });
  });
};
