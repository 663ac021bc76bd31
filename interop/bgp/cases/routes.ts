import assert from 'node:assert/strict';
import { FAMILY_OF, OUR_AS, OURS, type Peer } from '../peer.ts';
import { addressOf, asOf, bothEstablished, bothSessions, nameIn, oneSession, withScene } from '../scene.ts';
import { until } from '../until.ts';
import { OUR_ORIGINS, OVER, other, type Proof, plainOf, THEIRS, wantRoutes } from './proof.ts';

export const routes: Proof = (name) => {
  const setup = { sessions: bothSessions(), routes: THEIRS };
  return withScene({ cast: [{ name, setup }], originate: OUR_ORIGINS }, async ({ ours, peer }) => {
    for (const over of OVER) {
      const family = FAMILY_OF[over];
      const isOfFamily = ({ prefix }: { readonly prefix: string }): boolean => prefix.includes(':') === (over === 6);
      await wantRoutes(
        'our view of its route',
        () => ours.routes(nameIn(name, over), family),
        THEIRS.filter(isOfFamily).map((one) => plainOf(one, asOf(name), addressOf(name, over))),
      );
      await wantRoutes(
        'its view of our route',
        () => peer.routes(over, family),
        OUR_ORIGINS.filter(isOfFamily).map(({ large_communities: largeCommunities = [], ...one }) =>
          plainOf({ ...one, largeCommunities }, OUR_AS, over === 4 ? OURS.four : OURS.six),
        ),
      );
    }
    await peer.announce([]);
    for (const over of OVER) await wantRoutes('withdrawn', () => ours.routes(nameIn(name, over), FAMILY_OF[over]), []);
  });
};

/** The peer's routes get to the other one by us, with all that is transitive. */
export const transit: Proof = (name) => {
  const cast = [
    { name, setup: { sessions: bothSessions(), routes: THEIRS } },
    { name: other(name), setup: { sessions: bothSessions(), routes: [] } },
  ];
  return withScene({ cast }, async ({ peer, peers }) => {
    const receiver = peers[1] as Peer;
    for (const over of OVER) {
      const wanted = THEIRS.filter(({ prefix }) => prefix.includes(':') === (over === 6)).map((one) => ({
        ...plainOf(one, asOf(name), over === 4 ? OURS.four : OURS.six),
        // RFC 4271 §5.1.4: it is for the neighbouring AS alone.
        ...{ med: '', asPath: [OUR_AS, asOf(name), ...(one.asPath ?? [])].join(' ') },
      }));
      await wantRoutes('the other view of its route', () => receiver.routes(over, FAMILY_OF[over]), wanted);
    }
    await peer.announce([]);
    for (const over of OVER) await wantRoutes('withdrawn', () => receiver.routes(over, FAMILY_OF[over]), []);
  });
};

/** Two paths of a prefix from the peer (only BIRD has them of its own), and two to it: ours and another's. */
export const addPath: Proof = (name) => {
  const prefix = '203.0.113.0/24';
  const theirs = [1, 2].map((n) => ({ prefix, med: 5, communities: [`64999:${n}`] }));
  const cast = [
    { name, setup: { sessions: oneSession({ addPath: true }), routes: name === 'BIRD' ? theirs : theirs.slice(0, 1) } },
    { name: other(name), setup: { sessions: oneSession(), routes: [{ prefix, communities: ['64999:3'] }] } },
  ];
  return withScene({ cast, originate: [{ prefix, communities: ['64512:4'] }] }, async ({ ours, peer }) => {
    await bothEstablished(ours, peer, name, 4);
    const { session } = await ours.status(nameIn(name, 4));
    assert.deepEqual(session?.addPathReceive, ['ipv4-unicast']);
    assert.deepEqual(session?.addPathSend, ['ipv4-unicast']);
    const all = (name === 'BIRD' ? theirs : theirs.slice(0, 1)).map((one) =>
      plainOf(one, asOf(name), addressOf(name, 4)),
    );
    await wantRoutes('our view of its paths', () => ours.routes(nameIn(name, 4), 'ipv4-unicast'), all);
    const views = (await ours.views(nameIn(name, 4), 'ipv4-unicast')).filter(({ usable }) => usable);
    const ids = new Set(views.map(({ pathId }) => pathId));
    assert.equal(ids.size, all.length);
    await wantRoutes('its view of our paths', () => peer.routes(4, 'ipv4-unicast'), [
      plainOf({ prefix, communities: ['64512:4'] }, OUR_AS, OURS.four),
      { ...plainOf({ prefix, communities: ['64999:3'] }, OUR_AS, OURS.four), asPath: `${OUR_AS} ${asOf(other(name))}` },
    ]);
  });
};

export const refresh: Proof = (name) =>
  withScene(
    { cast: [{ name, setup: { sessions: oneSession(), routes: [] } }], originate: OUR_ORIGINS },
    async ({ ours, peer }) => {
      const ours4 = nameIn(name, 4);
      await until('it has our route', async () => (await peer.count(4, 'ipv4-unicast')) === 1);
      const before = await ours.status(ours4);
      await peer.askRefresh(4);
      // With enhanced refresh its table is marked before and after (RFC 7313 §4): two messages.
      const marks = before.session?.enhancedRouteRefresh === true ? 2 : 0;
      if (name === 'BIRD') assert.equal(marks, 2);
      await until('all routes were sent again', async () => {
        const { received, sent } = await ours.status(ours4);
        const updates = (counts: typeof sent): number => counts['update'] ?? 0;
        if (received['route_refresh'] !== 1 || updates(sent) <= updates(before.sent)) return false;
        return sent['route_refresh'] === marks;
      });
      assert.equal(await peer.count(4, 'ipv4-unicast'), 1);
      assert.ok((await peer.session(4)).isEstablished);
    },
  );

const MANY = 100_000;

export const many: Proof = (name) => {
  const routes = Array.from({ length: MANY }, (_, i) => ({
    prefix: `${10 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}.0/24`,
  }));
  const cast = [
    { name, setup: { sessions: oneSession(), routes } },
    { name: other(name), setup: { sessions: oneSession(), routes: [] } },
  ];
  return withScene({ cast }, async ({ ours, peer, peers }) => {
    const receiver = peers[1] as Peer;
    const limitMs = 60_000;
    await until('the other one has all', async () => (await receiver.count(4, 'ipv4-unicast')) === MANY, limitMs);
    assert.equal((await ours.views(nameIn(name, 4), 'ipv4-unicast')).length, MANY);
    await peer.announce([]);
    await until('the other one has none', async () => (await receiver.count(4, 'ipv4-unicast')) === 0, limitMs);
    assert.equal((await ours.views(nameIn(name, 4), 'ipv4-unicast')).length, 0);
  });
};
