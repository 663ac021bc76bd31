import assert from 'node:assert/strict';
import { FAMILY_OF } from '../peer.ts';
import { bothEstablished, bothSessions, nameIn, oneSession, withScene } from '../scene.ts';
import { until } from '../until.ts';
import { OVER, type Proof, THEIRS } from './proof.ts';

/** Milliseconds that BFD may take at 3 times 50 ms, with one interval more, and what looking takes. */
const BFD_LIMIT_MS = 1000;

export const bfd: Proof = (name) =>
  withScene(
    { cast: [{ name, setup: { sessions: bothSessions({ bfdMs: 50 }), routes: THEIRS } }] },
    async ({ ours, peer, cut }) => {
      for (const over of OVER) {
        await bothEstablished(ours, peer, name, over);
        await until('BFD is Up at 150 ms', async () => {
          const { bfd: path } = await ours.status(nameIn(name, over));
          return path?.state === 'up' && path.detectionMs === 150;
        });
      }
      await cut();
      const at = performance.now();
      for (const over of OVER) {
        await until('we are told by BFD', async () =>
          /BFD/.test((await ours.status(nameIn(name, over))).lastError ?? ''),
        );
        await until('it is told by BFD', async () => !(await peer.session(over)).isEstablished);
        assert.deepEqual(await ours.routes(nameIn(name, over), FAMILY_OF[over]), []);
      }
      const ms = performance.now() - at;
      assert.ok(ms < BFD_LIMIT_MS, `it took ${ms} ms`);
    },
  );

export const holdTimer: Proof = (name) =>
  withScene(
    { cast: [{ name, setup: { sessions: bothSessions({ holdSeconds: 3 }), routes: THEIRS } }] },
    async ({ ours, peer, cut }) => {
      for (const over of OVER) await bothEstablished(ours, peer, name, over);
      await cut();
      const at = performance.now();
      for (const over of OVER) {
        await until('our hold timer ends it', async () =>
          /hold/i.test((await ours.status(nameIn(name, over))).lastError ?? ''),
        );
        await until('its hold timer ends it', async () => !(await peer.session(over)).isEstablished);
        assert.deepEqual(await ours.routes(nameIn(name, over), FAMILY_OF[over]), []);
      }
      const ms = performance.now() - at;
      // Not before the last KEEPALIVE, of a second ago, is 3 s old.
      assert.ok(ms > 1500 && ms < 6000, `it took ${ms} ms`);
    },
  );

/** Routes that TCP cannot hold: 3 MB of them. */
const BIG = Array.from({ length: 2000 }, (_, i) => ({
  prefix: `10.${i >> 8}.${i & 255}.0/24`,
  large_communities: Array.from({ length: 100 }, (__, j) => `64512:${i}:${j}`),
}));

/** The peer is stopped and takes nothing: it is given up, and has all once it goes on. */
export const sendHold: Proof = (name) => {
  const cast = [
    { name, setup: { sessions: oneSession({ holdSeconds: 90 }), routes: [] }, ours: { send_hold_seconds: 3 } },
  ];
  return withScene({ cast, isTight: true }, async ({ ours, peer }) => {
    await bothEstablished(ours, peer, name, 4);
    process.kill(peer.pid, 'SIGSTOP');
    ours.originate(BIG);
    await until('it is given up', async () => {
      const { lastSession } = await ours.status(nameIn(name, 4));
      return /Send Hold Timer Expired/.test(lastSession?.reason ?? '');
    });
    process.kill(peer.pid, 'SIGCONT');
    await bothEstablished(ours, peer, name, 4);
    await until('it has all', async () => (await peer.count(4, 'ipv4-unicast')) === BIG.length);
  });
};
