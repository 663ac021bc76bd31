import assert from 'node:assert/strict';
import { FAMILY_OF, OUR_AS } from '../peer.ts';
import { asOf, bothEstablished, bothSessions, nameIn, oneSession, withScene } from '../scene.ts';
import { until } from '../until.ts';
import { OUR_ORIGINS, OVER, type Proof, THEIRS } from './proof.ts';

export const roles: Proof = async (name) => {
  for (const role of ['provider', 'customer'] as const) {
    const cast = [{ name, setup: { sessions: bothSessions({ role }), routes: THEIRS } }];
    await withScene({ cast, originate: OUR_ORIGINS }, async ({ ours, peer }) => {
      for (const over of OVER) {
        await bothEstablished(ours, peer, name, over);
        // RFC 9234 §5: who is told by a provider has the provider's AS in it.
        const [toUs, toThem] = role === 'provider' ? [asOf(name), ''] : ['', OUR_AS];
        await until('our view of its route', async () => {
          const [route] = await ours.routes(nameIn(name, over), FAMILY_OF[over]);
          return route?.onlyToCustomer === String(toUs);
        });
        await until('its view of our route', async () => {
          const [route] = await peer.routes(over, FAMILY_OF[over]);
          return route?.onlyToCustomer === String(toThem);
        });
      }
    });
  }
  const cast = [
    { name, setup: { sessions: oneSession({ role: 'provider' }), routes: [] }, ours: { role: 'provider' } },
  ];
  await withScene({ cast }, async ({ ours, peer }) => {
    await until('two providers are no neighbours', async () => {
      const { lastError = '' } = await ours.status(nameIn(name, 4));
      return /role/i.test(lastError);
    });
    assert.equal((await peer.session(4)).isEstablished, false);
  });
};

/** Who does not say its role is a neighbour, unless it has to say it. */
export const strictRole: Proof = async (name) => {
  const setup = { sessions: oneSession(), routes: [] };
  await withScene({ cast: [{ name, setup, ours: { role: 'provider' } }] }, ({ ours, peer }) =>
    bothEstablished(ours, peer, name, 4),
  );
  const cast = [{ name, setup, ours: { role: 'provider', strict_role: true } }];
  await withScene({ cast }, async ({ ours, peer }) => {
    await until('it is refused', async () =>
      /Role Mismatch/.test((await ours.status(nameIn(name, 4))).lastError ?? ''),
    );
    assert.equal((await peer.session(4)).isEstablished, false);
  });
};
