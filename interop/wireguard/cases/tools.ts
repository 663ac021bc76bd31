import assert from 'node:assert/strict';
import { configurationOf, withScene } from '../scene.ts';
import { newKeyPair, wg } from '../side.ts';
import type { Proof } from './proof.ts';

/** All that `wg` shows and changes, as with the other one. */
export const tools: Proof = (name) =>
  withScene(name, async (scene) => {
    const { ours, theirs } = scene;
    const presharedKey = await wg(['genpsk']);
    await scene.configure({ over: 4, keepaliveS: 25, presharedKey }, { presharedKey });
    for (const side of [ours, theirs]) {
      const saved = await side.wg(['showconf', side.end.name]);
      await side.configure(saved, 'syncconf');
      assert.equal(await side.wg(['showconf', side.end.name]), saved);
    }
    const more = await newKeyPair();
    await ours.configure(`[Peer]\nPublicKey = ${more.publicKey}\nAllowedIPs = 10.77.0.0/16, fd77::/16\n`, 'addconf');
    assert.equal((await ours.show('peers')).split('\n').length, 2);
    await ours.set(`peer ${more.publicKey} allowed-ips 10.78.0.0/16,10.9.0.1/32 persistent-keepalive 30`);
    const allowed = new Map(
      (await ours.show('allowed-ips')).split('\n').map((line) => line.split('\t') as [string, string]),
    );
    assert.equal(allowed.get(more.publicKey), '10.78.0.0/16 10.9.0.1/32');
    // A prefix is of one peer: whoever has it last.
    assert.equal(allowed.get(theirs.keys.publicKey), 'fd09::1/128');
    await ours.set(`peer ${more.publicKey} remove`);
    assert.equal(await ours.show('peers'), theirs.keys.publicKey);
    await ours.configure(configurationOf(ours, theirs, { over: 4, presharedKey }), 'syncconf');
    await ours.set(`peer ${theirs.keys.publicKey} persistent-keepalive off`);
    assert.equal(await ours.show('persistent-keepalive'), `${theirs.keys.publicKey}\toff`);
    assert.equal(await ours.ping(theirs.end.inner[4]), 3);
    const dump = await ours.wg(['show', ours.end.name, 'dump']);
    assert.match(dump, /\t5001\toff\n/);
    await ours.set('fwmark 0x51820');
    assert.equal(await ours.show('fwmark'), '0x51820');
    assert.equal(await ours.ping(theirs.end.inner[4]), 3);
    await ours.set('fwmark 0');
    assert.equal(await ours.show('fwmark'), 'off');
    // What is wrong changes nothing and is told.
    await assert.rejects(ours.set(`peer ${ours.keys.publicKey.slice(1)}= remove`));
    assert.equal(await ours.show('peers'), theirs.keys.publicKey);
  });
