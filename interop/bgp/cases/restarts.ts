import assert from 'node:assert/strict';
import type { Peer } from '../peer.ts';
import { bothEstablished, nameIn, oneSession, withScene } from '../scene.ts';
import { until } from '../until.ts';
import { other, type Proof, THEIRS } from './proof.ts';

/** The peer is killed: its routes are used until it is back and has told them again (RFC 4724 §4.2). */
export const gracefulRestart: Proof = (name) => {
  const cast = [{ name, setup: { sessions: oneSession({ gracefulRestart: true }), routes: THEIRS.slice(0, 1) } }];
  return withScene({ cast }, async ({ ours, peer, again }) => {
    const isThere = async (isStale: boolean): Promise<boolean> => {
      const [view] = await ours.views(nameIn(name, 4), 'ipv4-unicast');
      return view?.best === true && view.stale === isStale;
    };
    await bothEstablished(ours, peer, name, 4);
    await until('its route is there', () => isThere(false));
    assert.equal((await ours.status(nameIn(name, 4))).session?.gracefulRestart, true);
    process.kill(peer.pid, 'SIGKILL');
    await until('its session has ended', async () => !(await ours.isEstablished(nameIn(name, 4))));
    assert.ok(await isThere(true), 'its route is kept, as a stale one');
    await again(async (restarted) => {
      await bothEstablished(ours, restarted, name, 4);
      await until('its route is told again', () => isThere(false));
    });
  });
};

const RESTART_SECONDS = 3;

/** The peer stays away for longer than its restart may take: its route is the last resort until it is back. */
export const longLived: Proof = (name) => {
  const sessions = oneSession({ gracefulRestart: true, restartSeconds: RESTART_SECONDS, longLivedSeconds: 60 });
  const cast = [
    { name, setup: { sessions, routes: [{ prefix: '203.0.113.0/24', med: 5, asPath: [64_999] }] } },
    { name: other(name), setup: { sessions: oneSession(), routes: [] } },
  ];
  return withScene({ cast }, async ({ ours, peer, peers, again }) => {
    const receiver = peers[1] as Peer;
    await bothEstablished(ours, peer, name, 4);
    await until('the other one has its route', async () => (await receiver.count(4, 'ipv4-unicast')) === 1);
    process.kill(peer.pid, 'SIGKILL');
    await until('its route is long-lived', async () => {
      const [view] = await ours.views(nameIn(name, 4), 'ipv4-unicast');
      return view?.longLived === true && view.best && /\bllgr-stale\b/.test(view.attributes['COMMUNITIES'] ?? '');
    });
    // RFC 9494 §4.3: not for those who do not know what that is.
    await until('the other one has it no more', async () => (await receiver.count(4, 'ipv4-unicast')) === 0);
    await again(async (restarted) => {
      await bothEstablished(ours, restarted, name, 4);
      await until('its route is a good one', async () => {
        const [view] = await ours.views(nameIn(name, 4), 'ipv4-unicast');
        return view?.best === true && !view.longLived && !view.stale;
      });
      await until('the other one has it again', async () => (await receiver.count(4, 'ipv4-unicast')) === 1);
    });
  });
};
