import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { Burst } from '#protocol/burst.ts';
import { inNamespace, ip, needsRoot, testNamespace } from '../testing/namespace.ts';
import { addressOf } from '../udp/address.ts';
import { UdpSocket } from '../udp/socket.ts';
import { pattern, put, receiveDatagrams } from '../udp/testing/traffic.ts';
import { TunBurst } from './burst.ts';
import { configureTun } from './configure.ts';
import { TunDevice, type TunOptions } from './device.ts';
import * as N from './native.ts';
import { internetChecksum, ipv4Echo, ipv4Tcp, swapAddresses } from './testing/packets.ts';

const skip = { skip: needsRoot };
/** VIRTIO_NET_HDR_F_NEEDS_CSUM (linux/virtio_net.h). */
const NEEDS_CHECKSUM = 1;

interface Wanted extends Partial<TunOptions> {
  readonly address: string;
}

/** A TUN in a namespace, up, with an address. */
const openTun = async (t: TestContext, at: { name: string; path: string }, wanted: Wanted): Promise<TunDevice> => {
  const { address, ...options } = wanted;
  const device = inNamespace(at.path, () => TunDevice.open({ name: 'cbt%d', ...options }));
  t.after(() => device.close());
  configureTun(device.name, { namespace: at.name, addresses: [address], mtu: 1500, up: true });
  return device;
};

/** Calls `take` for every packet that is read, until it returns true; rejects after ten seconds. */
const readUntil = (device: TunDevice, take: (burst: TunBurst, index: number) => boolean): Promise<void> => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const burst = new TunBurst(8 * N.TUN_SLOT_BYTES, 64);
  const deadline = setTimeout(() => reject(new Error('the packet did not come')), 10_000);
  device.onReadable(() => {
    try {
      burst.clear();
      device.read(burst);
      for (let i = 0; i < burst.count; i++) {
        if (!take(burst, i)) continue;
        clearTimeout(deadline);
        device.onReadable(undefined);
        resolve();
        return;
      }
    } catch (error) {
      reject(error);
    }
  });
  return promise;
};

const packetOf = (burst: TunBurst, index: number): Uint8Array => {
  const offset = burst.words[index * N.TUN_WORDS + N.T_OFFSET] as number;
  return burst.buffer.subarray(offset, offset + (burst.words[index * N.TUN_WORDS + N.T_LENGTH] as number));
};

const isProtocol = (packet: Uint8Array, protocol: number): boolean => packet[0] === 0x45 && packet[9] === protocol;

test('pings written to a TUN are answered through it', skip, async (t) => {
  const at = testNamespace(t);
  const device = await openTun(t, at, { address: '10.98.0.1/24' });
  const burst = new TunBurst(65_536, 10);
  const payloads = Array.from({ length: 10 }, (_, i) => pattern(56 + 100 * i, i));
  for (const [i, payload] of payloads.entries()) {
    const request = ipv4Echo('10.98.0.2', '10.98.0.1', i, payload);
    burst.buffer.set(request, burst.used);
    burst.commit(request.length);
  }
  assert.equal(device.write(burst), 10);
  const replies: Uint8Array[] = [];
  await readUntil(device, (arrived, i) => {
    const packet = packetOf(arrived, i);
    if (!isProtocol(packet, 1)) return false;
    assert.deepEqual([...packet.subarray(12, 20)], [10, 98, 0, 1, 10, 98, 0, 2]);
    assert.equal(packet[20], 0, 'an echo reply');
    assert.equal(internetChecksum(packet.subarray(20)), 0);
    assert.equal(packet[27], replies.length, 'in order');
    return replies.push(packet.slice(28)) === 10;
  });
  assert.deepEqual(replies, payloads);
  assert.equal(device.counters.writtenPackets, 10);
  assert.ok(device.counters.readPackets >= 10);
});

test('UDP segmentation offload: a run of datagrams is one packet, out and back', skip, async (t) => {
  const at = testNamespace(t);
  const device = await openTun(t, at, { address: '10.98.0.1/24', vnetHeader: true });
  if ((device.offload & N.TunOffload.uso4) === 0) return t.skip('the kernel has no USO on TUN (Linux 6.2)');
  const socket = inNamespace(at.path, () => UdpSocket.open({ address: '10.98.0.1', port: 4000 }));
  t.after(() => socket.close());
  const outgoing = new Burst(65_536, 1);
  const sent = Array.from({ length: 40 }, (_, i) => pattern(1200, i));
  for (const data of sent) put(outgoing, data, addressOf('10.98.0.2', 4000));
  socket.send(outgoing);
  await readUntil(device, (burst, i) => {
    const packet = packetOf(burst, i);
    if (!isProtocol(packet, 17)) return false;
    const word = (index: number): number => burst.words[i * N.TUN_WORDS + index] as number;
    assert.equal(word(N.T_GSO_TYPE), N.VnetGso.udp);
    assert.equal(word(N.T_GSO_SIZE), 1200);
    assert.equal(word(N.T_FLAGS), NEEDS_CHECKSUM);
    assert.equal(word(N.T_CSUM_START), 20);
    assert.equal(word(N.T_CSUM_OFFSET), 6);
    assert.equal(packet.length, 28 + 40 * 1200);
    // The same ports both ways: swapped addresses make it a reply, whose pseudo-header has the same sum.
    swapAddresses(packet);
    assert.equal(device.write(burst), burst.count);
    return true;
  });
  const arrived = await receiveDatagrams(socket, sent.length);
  assert.deepEqual(
    arrived.map(({ data }) => data),
    sent,
  );
  assert.equal(socket.counters.receivedMessages, 1);
});

test('a TCP packet left unsegmented is cut by the kernel for a device without offloads', skip, async (t) => {
  const at = testNamespace(t);
  const from = await openTun(t, at, { address: '10.98.1.1/24', vnetHeader: true });
  const to = await openTun(t, at, { address: '10.98.2.1/24' });
  inNamespace(at.path, () => writeFileSync('/proc/sys/net/ipv4/ip_forward', '1'));
  assert.ok(from.offload & N.TunOffload.tso4);

  const payload = pattern(5 * 1000 + 321, 9);
  const burst = new TunBurst(65_536, 1);
  const packet = ipv4Tcp('10.98.1.2', '10.98.2.2', payload);
  burst.buffer.set(packet);
  burst.commit(packet.length);
  burst.words.set([NEEDS_CHECKSUM, N.VnetGso.tcp4, 40, 1000, 20, 16], N.T_FLAGS);
  assert.equal(from.write(burst), 1);

  const joined = new Uint8Array(payload.length);
  let sizes: number[] = [];
  await readUntil(to, (arrived, i) => {
    const segment = packetOf(arrived, i);
    if (!isProtocol(segment, 6)) return false;
    const sequence = new DataView(segment.buffer, segment.byteOffset).getUint32(24);
    joined.set(segment.subarray(40), sequence - 1000);
    assert.equal(internetChecksum(segment.subarray(0, 20)), 0, 'the IP header is sound');
    sizes = [...sizes, segment.length - 40];
    return sizes.length === 6;
  });
  assert.deepEqual(sizes, [1000, 1000, 1000, 1000, 1000, 321]);
  assert.deepEqual(joined, payload);
});

test('two queues of one device; it goes with the last', skip, async (t) => {
  const at = testNamespace(t);
  const [first, second] = inNamespace(at.path, () => [
    TunDevice.open({ name: 'many', multiQueue: true }),
    TunDevice.open({ name: 'many', multiQueue: true }),
  ]);
  assert.equal(first?.name, 'many');
  assert.throws(() => inNamespace(at.path, () => TunDevice.open({ name: 'many' })), { code: 'EINVAL' });
  first?.close();
  assert.match(ip('-n', at.name, 'link', 'show', 'many'), /many/);
  second?.close();
  second?.close();
  assert.doesNotMatch(ip('-n', at.name, 'link', 'show'), /many/);
});

test('what the kernel does not take is counted', skip, async (t) => {
  const at = testNamespace(t);
  const device = inNamespace(at.path, () => TunDevice.open({ name: 'idle' }));
  t.after(() => device.close());
  const burst = new TunBurst(65_536, 4);
  burst.buffer.set(ipv4Tcp('10.98.1.2', '10.98.2.2', new Uint8Array(4)));
  burst.commit(44);
  assert.equal(device.write(burst), 1);
  assert.equal(device.counters.down, 1);
  ip('-n', at.name, 'link', 'set', 'dev', 'idle', 'up');
  burst.clear();
  burst.buffer[0] = 0;
  burst.commit(20);
  burst.commit(0);
  assert.equal(device.write(burst), 2);
  assert.equal(device.counters.invalid, 2);
  burst.words[N.T_LENGTH] = 65_537;
  assert.throws(() => device.write(burst), { name: 'RangeError', message: /packet 0/ });
  burst.count = 5;
  assert.throws(() => device.write(burst), RangeError);
  assert.throws(() => device.read(burst), RangeError);
});

test('a device that someone else removed is told once', skip, async (t) => {
  const at = testNamespace(t);
  const device = await openTun(t, at, { address: '10.98.0.1/24' });
  const lost = new Promise<void>((resolve) => device.onLost(resolve));
  device.onReadable(() => device.read(new TunBurst(65_536, 1)));
  ip('-n', at.name, 'link', 'delete', device.name);
  await lost;
});

test('a bad name is refused', () => {
  assert.throws(() => TunDevice.open({ name: 'sixteen-bytes-xx' }), RangeError);
});

test('a commit beside a virtio_net_hdr of an earlier packet clears it', () => {
  const burst = new TunBurst(2 * N.TUN_SLOT_BYTES, 2);
  burst.words.fill(7);
  burst.commit(10);
  burst.commit(20);
  assert.deepEqual([...burst.words], [0, 10, 0, 0, 0, 0, 0, 0, 10, 20, 0, 0, 0, 0, 0, 0]);
  assert.equal(burst.hasRoom(), false);
  burst.clear();
  assert.equal(burst.hasRoom(), true);
});
