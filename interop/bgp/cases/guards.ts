import { bothEstablished, bothSessions, nameIn, oneSession, PASSWORD, withScene } from '../scene.ts';
import { stays } from '../until.ts';
import { OVER, type Proof } from './proof.ts';

const REFUSED_MS = 4000;

/** Up with what both have, not with what one of them lacks. */
const guarded =
  (
    right: Parameters<typeof oneSession>[0],
    wrong: Parameters<typeof oneSession>[0],
    ours: Record<string, unknown>,
  ): Proof =>
  async (name) => {
    await withScene(
      { cast: [{ name, setup: { sessions: bothSessions(right), routes: [] } }] },
      async ({ ours: speaker, peer }) => {
        for (const over of OVER) await bothEstablished(speaker, peer, name, over);
      },
    );
    const cast = [{ name, setup: { sessions: bothSessions({ ...right, ...wrong }), routes: [] }, ours }];
    await withScene({ cast }, ({ ours: speaker, peer }) =>
      stays(
        'no session',
        async () => {
          for (const over of OVER) {
            if (await speaker.isEstablished(nameIn(name, over))) return false;
            if ((await peer.session(over)).isEstablished) return false;
          }
          return true;
        },
        REFUSED_MS,
      ),
    );
  };

export const md5 = guarded({ password: PASSWORD }, { password: 'another-secret' }, {});
export const gtsm = guarded({ gtsm: true }, { gtsm: false }, { gtsm_hops: 1 });

/** A router lies between: with two hops there is a session, with one there is none, whatever the peer sends. */
export const gtsmFar: Proof = async (name) => {
  const setup = { sessions: oneSession({ gtsm: true, hops: 2 }), routes: [] };
  await withScene({ cast: [{ name, setup }], isFar: true }, ({ ours, peer }) => bothEstablished(ours, peer, name, 4));
  await withScene({ cast: [{ name, setup, ours: { gtsm_hops: 1 } }], isFar: true }, ({ ours, peer }) =>
    stays(
      'no session',
      async () => !(await ours.isEstablished(nameIn(name, 4))) && !(await peer.session(4)).isEstablished,
      REFUSED_MS,
    ),
  );
};
