import assert from 'node:assert/strict';
import { until } from '../../bgp/until.ts';
import { withScene } from '../scene.ts';
import type { Side } from '../side.ts';
import { assertReaches } from './handshakes.ts';
import type { Proof } from './proof.ts';

const receivedBy = async (side: Side): Promise<number> => Number((await side.ofPeer('transfer')).split(' ')[0]);

/** Either side moves to another port, and then to another address: the other follows by what comes from there. */
export const roaming: Proof = (name) =>
  withScene(name, async (scene) => {
    const { ours, theirs } = scene;
    await scene.configure({ over: 4 });
    await assertReaches(scene);
    await theirs.set('listen-port 5003');
    assert.equal(await theirs.ping(ours.end.inner[4]), 3);
    assert.equal(await ours.ofPeer('endpoints'), '192.0.2.1:5003');
    await ours.set('listen-port 5004');
    assert.equal(await ours.ping(theirs.end.inner[4]), 3);
    assert.equal(await theirs.ofPeer('endpoints'), '192.0.2.2:5004');
    await ours.ip('address del 192.0.2.2/24 dev veth0');
    await ours.ip('address add 192.0.2.22/24 dev veth0');
    await until('it answers where we are now', async () => (await ours.ping(theirs.end.inner[4], { count: 1 })) === 1);
    assert.equal(await theirs.ofPeer('endpoints'), '192.0.2.22:5004');
  });

/** A keepalive each second from a side that has nothing to say, from either. */
export const keepalive: Proof = (name) =>
  withScene(name, async ({ ours, theirs, configure }) => {
    await configure({ over: 4, keepaliveS: 1 });
    await until('ours began by itself', async () => (await theirs.ofPeer('latest-handshakes')) !== '0');
    const before = await receivedBy(theirs);
    await until('keepalives come', async () => (await receivedBy(theirs)) >= before + 3 * 32);
    await ours.set(`peer ${theirs.keys.publicKey} persistent-keepalive off`);
    await theirs.set(`peer ${ours.keys.publicKey} persistent-keepalive 1`);
    const ourBefore = await receivedBy(ours);
    await until('its keepalives come', async () => (await receivedBy(ours)) >= ourBefore + 3 * 32);
  });

/** Whoever is set down and up again, or ended and started, is met again. */
export const restarts: Proof = (name) =>
  withScene(name, async (scene) => {
    const { ours, theirs } = scene;
    await scene.configure({ over: 4 }, { over: 4 });
    await assertReaches(scene);
    for (const side of [ours, theirs]) {
      await side.ip(`link set ${side.end.name} down`);
      assert.equal(await ours.ping(theirs.end.inner[4], { count: 1, seconds: 1 }), 0);
      await side.ip(`link set ${side.end.name} up`);
      await until(
        'it is reached again',
        async () => (await side.ping((side === ours ? theirs : ours).end.inner[4], { count: 1 })) === 1,
      );
    }
    // The kernel has taken the inner IPv6 addresses meanwhile.
    assert.equal(await theirs.ping(ours.end.inner[4]), 3);
  });

const REKEY_MS = 135_000;

/** For real: new keys after 120 s, while packets go all the time, and none is lost. */
export const rekey: Proof = (name) =>
  withScene(name, async (scene) => {
    const { ours, theirs } = scene;
    await scene.configure({ over: 4 });
    await assertReaches(scene);
    const [first, theirFirst] = [await ours.ofPeer('latest-handshakes'), await theirs.ofPeer('latest-handshakes')];
    let [sent, received] = [0, 0];
    // Few and long: `ping` waits for the last answer of each for two round trips alone, which may be short of it.
    for (const end = performance.now() + REKEY_MS; performance.now() < end; ) {
      sent += 125;
      received += await ours.ping(theirs.end.inner[4], { count: 125 });
    }
    assert.equal(received, sent);
    assert.ok(Number(await ours.ofPeer('latest-handshakes')) >= Number(first) + 120);
    assert.ok(Number(await theirs.ofPeer('latest-handshakes')) >= Number(theirFirst) + 120);
  });
