import assert from 'node:assert/strict';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { bpfFileSystem, Pins } from '#host/bpf/pins.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import type { FrontMap } from '../front.ts';
import { MAPS } from '../gen/front.ts';
import { KeptMaps } from '../kept-maps.ts';
import { backend, loadBalancer, SEED, service } from '../testing/balanced.ts';
import { segment, type TcpFlow, wentTo } from '../testing/flows.ts';
import { linesOf } from './settings.ts';
import type { BackendWanted, ServiceWanted } from './wanted.ts';

const skip = isRoot ? false : 'programs are loaded by root';

const COUNT = 100_000;
const CONNECTIONS = 2 ** 20;
const SYN = 2;
const ACK = 0x10;
const VIP = '203.0.113.10';

const tcpService = (backends: readonly (string | BackendWanted)[]): ServiceWanted[] => [
  service(VIP, backends, { protocol: 'tcp', port: 443 }),
];
const addresses = (first: number, last: number): string[] =>
  Array.from({ length: last - first + 1 }, (_, i) => `192.0.2.${first + i}`);

const flow = (i: number): TcpFlow => ({
  source: `10.${(i >>> 16) & 255}.${(i >>> 8) & 255}.${i & 255}`,
  ...{ target: VIP, sourcePort: 1024 + ((i * 7) % 60_000) },
});

let folders = 0;
const testPins = (t: TestContext): Pins => {
  const pins = new Pins(path.join(bpfFileSystem(), `cbt-${process.pid}-${++folders}`));
  t.after(() => pins.remove());
  return pins;
};

/** As a process does that starts: with the maps of the one before, if there are any. */
const start = (
  t: TestContext,
  pins: Pins,
  services: readonly ServiceWanted[],
  connections = CONNECTIONS,
  seed = SEED,
) => {
  const kept = new KeptMaps(pins, { connections: linesOf({ connections }) });
  const there = kept.open(seed);
  const loaded = loadBalancer(t, services, { options: { connections }, settings: { flowSeed: seed }, kept: there });
  const names = Object.keys(MAPS) as FrontMap[];
  kept.keep(new Map(names.map((name) => [name, loaded.front.map(name)])), seed);
  kept.forgetOthers('link');
  for (const map of there.values()) map.close();
  return { ...loaded, kept, taken: there.size };
};

type Started = ReturnType<typeof start>;
const sent = ({ front }: Started, i: number, flags: number): number =>
  wentTo(front.program.test(segment(flow(i), flags)).packet);

test('100,000 connections while backends come, drain and go and the process starts again', { skip }, (t) => {
  const pins = testPins(t);
  let loaded = start(t, pins, tcpService(addresses(1, 10)));
  const before = new Uint8Array(COUNT);
  for (let i = 0; i < COUNT; i++) before[i] = sent(loaded, i, SYN);
  const broken = (): number[] => {
    const by = new Map<number, number>();
    for (let i = 0; i < COUNT; i++) {
      const last = before[i] as number;
      if (sent(loaded, i, ACK) !== last) by.set(last, (by.get(last) ?? 0) + 1);
    }
    return [...by.keys()].toSorted((a, b) => a - b);
  };
  assert.deepEqual(broken(), []);
  loaded.balancer.setAll(tcpService(addresses(1, 14)));
  assert.deepEqual(broken(), [], 'four came');
  const draining = tcpService([backend('192.0.2.1', { isDraining: true }), ...addresses(2, 14)]);
  loaded.balancer.setAll(draining);
  assert.deepEqual(broken(), [], 'one drains');
  loaded = start(t, pins, draining);
  assert.deepEqual(broken(), [], 'started again');
  loaded.balancer.setAll(tcpService(addresses(3, 14)));
  assert.deepEqual(broken(), [1, 2], 'two are gone');
  const moved = before.reduce((sum, last) => sum + Number(last === 1 || last === 2), 0);
  t.diagnostic(`${COUNT} connections, ${moved} of the two backends that were removed moved, no others`);
});

test('a process that starts takes over numbers, and takes away what nobody wants any more', { skip }, (t) => {
  const pins = testPins(t);
  const first = start(t, pins, [...tcpService(addresses(1, 3)), service(VIP, ['192.0.2.9'])], 1024);
  assert.equal(first.taken, 0);
  const names = pins.names();
  const second = start(t, pins, tcpService(addresses(2, 4)), 1024);
  assert.ok(second.taken > 10);
  assert.deepEqual(pins.names().toSorted(), names.toSorted());
  const { services } = second.balancer.status();
  assert.deepEqual(
    services.map(({ backends }) => backends.map(({ address }) => address)),
    [addresses(2, 4)],
  );
  const entries: string[] = [];
  second.front.map('services').each((key) => entries.push(Buffer.from(key).toString('hex')));
  // The service, and its address.
  assert.equal(entries.length, 2);
  let used = 0;
  second.front.map('backends').each((_, value) => {
    if (value.some((byte) => byte !== 0)) used++;
  });
  assert.equal(used, 3);
});

test('another seed or another size begins with a table of its own', { skip }, (t) => {
  const pins = testPins(t);
  start(t, pins, tcpService(addresses(1, 2)), 1024);
  const names = pins.names().toSorted();
  assert.equal(start(t, pins, tcpService(addresses(1, 2)), 2048).taken, 3);
  assert.equal(pins.names().length, names.length);
  assert.notDeepEqual(pins.names().toSorted(), names);
  const other = start(t, pins, tcpService(addresses(1, 2)), 2048, Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9));
  assert.equal(other.taken, 3);
  assert.deepEqual(other.kept.flowSeed(), Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9));
});
