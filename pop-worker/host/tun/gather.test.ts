import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { Coalescer } from '#protocol/ip/coalescer.ts';
import { GatherBatch, GsoType, MESSAGE_WORDS } from '#protocol/ip/offload.ts';
import { isIntact, packet, tcp } from '#protocol/ip/testing/packets.ts';
import { IpFault, IpView } from '#protocol/ip/view.ts';
import { inNamespace, ip, needsRoot, testNamespace } from '../testing/namespace.ts';
import { TunBurst } from './burst.ts';
import { configureTun } from './configure.ts';
import { TunDevice } from './device.ts';
import { T_LENGTH, T_OFFSET, TUN_SLOT_BYTES, TUN_WORDS } from './native.ts';

const skip = { skip: needsRoot };

const open = async (t: TestContext, namespace: { name: string; path: string }, address: string, offload?: number) => {
  const device = inNamespace(namespace.path, () =>
    TunDevice.open({ name: 'cbg%d', vnetHeader: true, ...(offload !== undefined && { offload }) }),
  );
  t.after(() => device.close());
  configureTun(device.name, { namespace: namespace.name, addresses: [address], mtu: 1500, up: true });
  return device;
};

test('segments gathered from apart are forwarded by the kernel as whole packets', skip, async (t) => {
  const namespace = testNamespace(t);
  const incoming = await open(t, namespace, '10.9.1.1/24');
  // Without offload the kernel cuts the large packet again, so what comes out can be compared with what went in.
  const outgoing = await open(t, namespace, '10.9.2.1/24', 0);
  ip('netns', 'exec', namespace.name, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');

  const sent = Array.from({ length: 12 }, (_, i) =>
    packet({
      source: '10.9.1.2',
      destination: '10.9.2.2',
      id: i,
      payload: tcp({ sequence: 1000 + i * 1000, data: new Uint8Array(1000).fill(i) }),
    }),
  );
  const buffer = new Uint8Array(40_000).fill(0xee);
  const batch = new GatherBatch(sent.length);
  const coalescer = new Coalescer(batch);
  const view = new IpView();
  for (const [i, bytes] of sent.entries()) {
    buffer.set(bytes, i * 1500);
    assert.equal(view.parse(buffer, i * 1500, i * 1500 + bytes.length), IpFault.none);
    coalescer.add(buffer, view);
  }
  coalescer.finish(buffer);
  assert.equal(batch.messageCount, 1);

  const burst = new TunBurst(32 * TUN_SLOT_BYTES, 64);
  const got: Uint8Array[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const deadline = setTimeout(() => reject(new Error(`only ${got.length} packets came`)), 10_000);
  outgoing.onReadable(() => {
    burst.clear();
    outgoing.read(burst);
    for (let i = 0; i < burst.count; i++) {
      const offset = burst.words[i * TUN_WORDS + T_OFFSET] as number;
      const bytes = burst.buffer.slice(offset, offset + (burst.words[i * TUN_WORDS + T_LENGTH] as number));
      if (bytes[0] === 0x45 && bytes[9] === 6) got.push(bytes);
    }
    if (got.length >= sent.length) resolve();
  });
  assert.equal(incoming.writeGather(buffer, batch), 1);
  await promise;
  clearTimeout(deadline);
  assert.deepEqual(
    got.map((bytes) => [...bytes.subarray(20)]),
    sent.map((bytes) => [...bytes.subarray(20)]),
  );
  assert.ok(got.every((bytes) => isIntact(bytes) && bytes[8] === 63));
});

test('a chain that leaves the buffer or never ends is refused', skip, async (t) => {
  const device = await open(t, testNamespace(t), '10.9.1.1/24');
  const batch = new GatherBatch(4);
  const buffer = new Uint8Array(100);
  const write = () => device.writeGather(buffer, batch);
  batch.addMessage(90, 11);
  assert.throws(write, RangeError);
  batch.clear();
  batch.addMessage(0, 0);
  assert.throws(write, RangeError);
  batch.clear();
  batch.addMessage(0, 20);
  batch.pieces[2] = 0;
  assert.throws(write, RangeError);
  batch.pieces[2] = 99;
  assert.throws(write, RangeError);
  batch.messages[0] = -1;
  assert.throws(write, RangeError);
  batch.messages[0] = 0;
  batch.pieces[2] = -1;
  batch.messages[MESSAGE_WORDS * 0 + 3] = GsoType.none;
  assert.equal(write(), 1, 'an unusable packet is counted, not thrown');
  assert.equal(device.counters.invalid + device.counters.otherErrors + device.counters.writtenPackets, 1);
});
