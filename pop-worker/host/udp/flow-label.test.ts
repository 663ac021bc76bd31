import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Burst } from '#protocol/burst.ts';
import { inNamespace, ip, needsRoot, testNamespace } from '../testing/namespace.ts';
import { TunBurst } from '../tun/burst.ts';
import { configureTun } from '../tun/configure.ts';
import { TunDevice } from '../tun/device.ts';
import * as N from '../tun/native.ts';
import { addressOf } from './address.ts';
import { UdpSocket } from './socket.ts';
import { pattern, put } from './testing/traffic.ts';

const LOCALS = ['fd00:98::1', 'fd00:98::9'];
const REMOTES = ['fd00:98::2', 'fd00:98::3'];
const UDP = 17;

/** Labels of the next `count` UDP packets, by their addresses. */
const labels = async (device: TunDevice, count: number): Promise<[path: string, label: number][]> => {
  const found: [string, number][] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const burst = new TunBurst(8 * N.TUN_SLOT_BYTES, 64);
  device.onReadable(() => {
    burst.clear();
    device.read(burst);
    for (let i = 0; i < burst.count; i++) {
      const at = burst.words[i * N.TUN_WORDS + N.T_OFFSET] as number;
      const packet = new DataView(burst.buffer.buffer, burst.buffer.byteOffset + at);
      if (packet.getUint8(6) !== UDP) continue;
      const addresses = Buffer.from(burst.buffer.subarray(at + 8, at + 40)).toString('hex');
      found.push([addresses, packet.getUint32(0) & 0xfffff]);
    }
    if (found.length >= count) resolve();
  });
  await promise;
  device.onReadable(undefined);
  return found;
};

test('RFC 9000 §9.7: each path of a socket has a flow label of its own, which tells nothing of the others', {
  skip: needsRoot,
}, async (t) => {
  const at = testNamespace(t);
  const device = inNamespace(at.path, () => TunDevice.open({ name: 'cbt%d' }));
  t.after(() => device.close());
  configureTun(device.name, { namespace: at.name, mtu: 1500, up: true });
  for (const local of LOCALS) {
    ip('-n', at.name, 'address', 'add', `${local}/64`, 'dev', device.name, 'nodad');
  }
  const socket = inNamespace(at.path, () => UdpSocket.open({ address: '::', port: 4000 }));
  t.after(() => socket.close());
  const burst = new Burst(65_536, 16);
  for (let round = 0; round < 2; round++) {
    for (const local of LOCALS) {
      for (const remote of REMOTES)
        put(burst, pattern(100, round), addressOf(remote, 443), { local: addressOf(local, 0) });
    }
  }
  const seen = labels(device, 8);
  assert.equal(socket.send(burst), burst.count);
  const byPath = new Map<string, Set<number>>();
  for (const [path, label] of await seen) byPath.set(path, (byPath.get(path) ?? new Set()).add(label));
  const each = [...byPath.values()].map((set) => [...set]);
  assert.equal(each.length, 4);
  assert.ok(
    each.every(({ length }) => length === 1),
    'one label a path',
  );
  assert.equal(new Set(each.flat()).size, 4, 'another one on each');
  assert.ok(each.flat().every((label) => label !== 0));
});
