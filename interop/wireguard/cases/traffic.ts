import assert from 'node:assert/strict';
import { goodputOf, iperfClient, iperfServer } from '#bench/harness/iperf.ts';
import { type Scene, withScene } from '../scene.ts';
import type { Side } from '../side.ts';
import { assertReaches } from './handshakes.ts';
import type { Proof } from './proof.ts';

const transfer = async (from: Side, to: Side, family: 4 | 6): Promise<void> => {
  const target = to.end.inner[family];
  const stop = await to.place.serve(await iperfServer(target));
  try {
    for (const way of ['up', 'down'] as const) {
      const { command, args, env = {} } = await iperfClient(target, 2, way);
      const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
      const report = await from.place.run(['env', ...variables, command, ...args]);
      assert.ok(goodputOf(report) > 0, `TCP over IPv${family}, ${way}`);
    }
  } finally {
    await stop();
  }
};

const counted = async (side: Side): Promise<readonly [received: number, sent: number]> => {
  const [received = 0, sent = 0] = (await side.ofPeer('transfer')).split(' ').map(Number);
  return [received, sent];
};

/** Whole flows of large packets, both families, both ways; and both ends count the same. */
export const tcp: Proof = (name) =>
  withScene(name, async (scene: Scene) => {
    const { ours, theirs } = scene;
    await scene.configure({ over: 4 });
    await assertReaches(scene);
    for (const family of [4, 6] as const) await transfer(ours, theirs, family);
    const [[received, sent], [theirReceived, theirSent]] = [await counted(ours), await counted(theirs)];
    assert.ok(received > 1e6 && sent > 1e6);
    assert.ok(theirReceived <= sent && theirReceived > 0.9 * sent, `${theirReceived} of ${sent} bytes`);
    assert.ok(received <= theirSent && received > 0.9 * theirSent, `${received} of ${theirSent} bytes`);
  });

/** Of every size: padding at its edges, and fragments of what is larger than the tunnel. */
export const sizes: Proof = (name) =>
  withScene(name, async (scene) => {
    const { ours, theirs } = scene;
    await scene.configure({ over: 4 });
    await assertReaches(scene);
    for (const size of [0, 1, 15, 16, 17, 1360, 1391, 1392, 1393, 1500, 8000, 60_000])
      assert.equal(await ours.ping(theirs.end.inner[4], { size }), 3, `${size} bytes`);
  });

/** What comes from addresses that are not the peer's goes no further; nor does what has none of its own here. */
export const allowedIps: Proof = (name) =>
  withScene(name, async (scene) => {
    const { ours, theirs } = scene;
    await scene.configure({ over: 4 }, { allowedIps: '0.0.0.0/0, ::/0' });
    await assertReaches(scene);
    await theirs.ip(`address add 10.9.0.77/32 dev ${theirs.end.name}`);
    assert.equal(await theirs.ping(ours.end.inner[4], { from: '10.9.0.77', seconds: 1 }), 0);
    assert.equal(await ours.ping('10.9.0.78', { seconds: 1 }), 0);
    await ours.set(`peer ${theirs.keys.publicKey} allowed-ips 10.9.0.0/24`);
    assert.equal(await theirs.ping(ours.end.inner[4], { from: '10.9.0.77' }), 3);
  });
