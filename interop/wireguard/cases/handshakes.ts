import assert from 'node:assert/strict';
import { until } from '../../bgp/until.ts';
import { type Scene, withScene } from '../scene.ts';
import { newKeyPair, wg } from '../side.ts';
import type { Proof } from './proof.ts';

const FAMILIES = [4, 6] as const;

/** Pings of both families get through, either way. */
export const assertReaches = async ({ ours, theirs }: Scene): Promise<void> => {
  for (const family of FAMILIES) {
    assert.equal(await ours.ping(theirs.end.inner[family]), 3, `we reach it over IPv${family}`);
    assert.equal(await theirs.ping(ours.end.inner[family]), 3, `it reaches us over IPv${family}`);
  }
};

export const weBegin: Proof = (name) =>
  withScene(name, async (scene) => {
    await scene.configure({ over: 4 });
    await assertReaches(scene);
    assert.match(await scene.theirs.ofPeer('endpoints'), /^192\.0\.2\.2:5001$/);
  });

export const itBegins: Proof = (name) =>
  withScene(name, async (scene) => {
    await scene.configure({}, { over: 4 });
    assert.equal(await scene.theirs.ping(scene.ours.end.inner[4]), 3);
    await assertReaches(scene);
    assert.match(await scene.ours.ofPeer('endpoints'), /^192\.0\.2\.1:5002$/);
  });

export const overIpv6: Proof = (name) =>
  withScene(name, async (scene) => {
    await scene.configure({ over: 6 });
    await assertReaches(scene);
    assert.equal(await scene.theirs.ofPeer('endpoints'), '[2001:db8::2]:5001');
    await scene.configure({}, { over: 6 });
    assert.equal(await scene.theirs.ping(scene.ours.end.inner[6]), 3);
    assert.equal(await scene.ours.ofPeer('endpoints'), '[2001:db8::1]:5002');
  });

/** Both begin in the same moment, again and again. */
export const bothBegin: Proof = (name) =>
  withScene(name, async (scene) => {
    for (let round = 0; round < 3; round++) {
      await scene.configure({ over: 4 }, { over: 4 });
      const { ours, theirs } = scene;
      const pings = [ours.ping(theirs.end.inner[4]), theirs.ping(ours.end.inner[4])];
      assert.deepEqual(await Promise.all(pings), [3, 3], `round ${round}`);
    }
  });

export const presharedKey: Proof = (name) =>
  withScene(name, async (scene) => {
    const { ours, theirs } = scene;
    const psk = await wg(['genpsk']);
    await scene.configure({ over: 4, presharedKey: psk }, { presharedKey: psk });
    await assertReaches(scene);
    // Another one on one side: what there is goes on, what begins anew does not.
    await theirs.set(`peer ${ours.keys.publicKey} preshared-key FILE`, await wg(['genpsk']));
    assert.equal(await ours.ping(theirs.end.inner[4]), 3);
    await ours.ip(`link set ${ours.end.name} down`);
    await ours.ip(`link set ${ours.end.name} up`);
    assert.equal(await ours.ping(theirs.end.inner[4], { seconds: 1 }), 0);
    await theirs.set(`peer ${ours.keys.publicKey} preshared-key FILE`, psk);
    await until('both have the same again', async () => (await ours.ping(theirs.end.inner[4], { count: 1 })) === 1);
  });

/** Our own key changes while a session is under way. */
export const privateKey: Proof = (name) =>
  withScene(name, async (scene) => {
    const { ours, theirs } = scene;
    await scene.configure({ over: 4 });
    await assertReaches(scene);
    const other = await newKeyPair();
    await ours.set('private-key FILE', other.privateKey);
    assert.equal(await ours.show('public-key'), other.publicKey);
    assert.equal(await ours.ping(theirs.end.inner[4], { count: 1, seconds: 1 }), 0, 'it knows no such key');
    await theirs.set(`peer ${ours.keys.publicKey} remove`);
    await theirs.set(`peer ${other.publicKey} allowed-ips ${ours.end.inner[4]}/32`);
    await until('it knows us again', async () => (await ours.ping(theirs.end.inner[4], { count: 1 })) === 1);
  });
