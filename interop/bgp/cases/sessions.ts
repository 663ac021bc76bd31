import assert from 'node:assert/strict';
import { FAMILY_OF } from '../peer.ts';
import { addressOf, bothEstablished, bothSessions, GOODBYE, nameIn, oneSession, withScene } from '../scene.ts';
import { stays, until } from '../until.ts';
import { OUR_ORIGINS, OVER, type Proof, THEIRS } from './proof.ts';

export const session: Proof = (name) =>
  withScene(
    { cast: [{ name, setup: { sessions: bothSessions({ holdSeconds: 30 }), routes: [] } }] },
    async ({ ours, peer }) => {
      for (const over of OVER) await bothEstablished(ours, peer, name, over);
      const said = await ours.statusByCommand();
      for (const over of OVER) {
        const status = said.find((one) => one.name === nameIn(name, over));
        assert.equal(status?.state, 'established');
        assert.deepEqual(status.session?.families, [FAMILY_OF[over]]);
        assert.equal(status.session?.holdSeconds, 30);
        assert.equal(status.session?.routerId, addressOf(name, 4));
        assert.equal(status.session?.asBytes, 4);
      }
      assert.deepEqual(await ours.routesByCommand(), []);
    },
  );

/** Both connect at once, again and again: there is one session each time. */
export const collision: Proof = (name) =>
  withScene(
    { cast: [{ name, setup: { sessions: oneSession(), routes: THEIRS.slice(0, 1) } }] },
    async ({ ours, peer }) => {
      for (let i = 1; i <= 3; i++) {
        await bothEstablished(ours, peer, name, 4);
        await until(
          'its route is there',
          async () => (await ours.routes(nameIn(name, 4), 'ipv4-unicast')).length === 1,
        );
        await stays('one session', async () => (await ours.status(nameIn(name, 4))).sessions === i, 1500);
        if (i === 3) break;
        await peer.restart(4);
        await until('it has ended', async () => (await ours.status(nameIn(name, 4))).lastError !== undefined);
        await until('it comes again', async () => (await ours.status(nameIn(name, 4))).sessions === i + 1);
      }
    },
  );

export const shutdown: Proof = (name) => {
  const cast = [{ name, setup: { sessions: oneSession(), routes: THEIRS.slice(0, 1) } }];
  return withScene({ cast }, async ({ ours, peer }) => {
    await bothEstablished(ours, peer, name, 4);
    await until('its route is there', async () => (await ours.routes(nameIn(name, 4), 'ipv4-unicast')).length === 1);
    await peer.shutDown(4, 'moving house');
    await until(
      'we know why',
      async () => (await ours.status(nameIn(name, 4))).lastError?.includes('moving house') === true,
    );
    assert.deepEqual(await ours.routes(nameIn(name, 4), 'ipv4-unicast'), []);
  });
};

export const goodbye: Proof = (name) =>
  withScene(
    { cast: [{ name, setup: { sessions: oneSession(), routes: [] } }], originate: OUR_ORIGINS },
    async ({ ours, peer }) => {
      await until('it has our route', async () => (await peer.count(4, 'ipv4-unicast')) === 1);
      await ours.stop();
      await until('it has heard that we are gone', async () => !(await peer.session(4)).isEstablished, 3000);
      await until('it has our text', async () => (await peer.heard(4)).includes(GOODBYE), 3000);
      assert.deepEqual(await peer.routes(4, 'ipv4-unicast'), []);
    },
  );

/**
 * Its OPEN has the long form of optional parameters: with ten families each of these has 60, 44, 42 and 72 bytes, and next
 * hops of IPv6 26, so that the short form, of 255 bytes, cannot hold them.
 */
export const extendedOpen: Proof = (name) => {
  const all = { addPath: true, gracefulRestart: true, longLivedSeconds: 60, extendedNextHop: true } as const;
  const more = { extendedMessages: true, role: 'provider', extendedOpen: true } as const;
  const sessions = oneSession({ families: ['ipv4-unicast', 'ipv6-unicast'], ...all, ...more });
  return withScene({ cast: [{ name, setup: { sessions, routes: THEIRS } }] }, async ({ ours, peer }) => {
    await bothEstablished(ours, peer, name, 4);
    const [own = ''] = (await peer.session(4)).said.split('Neighbor capabilities');
    const lists = [...own.matchAll(/(?:AF announced|AF supported|RX|TX): (.*)$/gm)].map(([, list = '']) => list);
    assert.deepEqual(
      lists.map((list) => list.trim().split(' ').length),
      [10, 10, 10, 10, 10],
    );
    for (const over of OVER)
      await until('its route is there', async () => (await ours.routes(nameIn(name, 4), FAMILY_OF[over])).length === 1);
  });
};
