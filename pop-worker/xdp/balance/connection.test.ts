import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { XdpVerdict } from '#host/bpf/program.ts';
import { formatIpAddress } from '#protocol/ip/text.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { backend, hopTo, loadBalancer, SEED, service } from '../testing/balanced.ts';
import { flowOf, segment, type TcpFlow, wentTo } from '../testing/flows.ts';
import { flowHash, memberOf } from '../testing/model.ts';
import { type BackendWanted, backendName, type ServiceWanted } from './wanted.ts';

const skip = isRoot ? false : 'programs are loaded by root';

const SYN = 2;
const ACK = 0x10;
const FIN = 0x11;
const RST = 4;
const VIP = '203.0.113.10';
const VIP6 = '2001:db8:1::1';

const tcpService = (backends: readonly (string | BackendWanted)[], at = VIP): ServiceWanted =>
  service(at, backends, { protocol: 'tcp', port: 443 });

const addresses = (count: number): string[] => Array.from({ length: count }, (_, i) => `192.0.2.${i + 1}`);

const flow = (i: number): TcpFlow => ({
  source: `10.${(i >>> 16) & 255}.${(i >>> 8) & 255}.${i & 255}`,
  ...{ target: VIP, sourcePort: 1024 + ((i * 7) % 60_000) },
});

type Loaded = ReturnType<typeof loadBalancer>;
const sent = ({ front }: Loaded, one: TcpFlow, flags: number): number =>
  wentTo(front.program.test(segment(one, flags)).packet);

/** Backends of so many flows, in order. */
const allSent = (loaded: Loaded, count: number, flags: number): number[] =>
  Array.from({ length: count }, (_, i) => sent(loaded, flow(i), flags));

const expected = (of: ServiceWanted, one: TcpFlow): number => {
  const members = of.backends
    .filter(({ isDraining }) => !isDraining)
    .map((wanted) => ({ id: wanted.address.at(-1) as number, name: backendName(wanted), weight: wanted.weight }));
  return memberOf(flowHash(flowOf(one), SEED), members);
};

const anyBackends = fc
  .uniqueArray(fc.integer({ min: 1, max: 250 }), { minLength: 1, maxLength: 8 })
  .chain((lasts) =>
    fc.tuple(
      ...lasts.map((last) =>
        fc.record({ last: fc.constant(last), weight: fc.integer({ min: 1, max: 9 }), isDraining: fc.boolean() }),
      ),
    ),
  );

test('whatever the backends, the program chooses as the model does', { skip }, (t) => {
  const v4 = (list: readonly { last: number; weight: number; isDraining: boolean }[]) =>
    list.map(({ last, ...more }) => backend(`192.0.2.${last}`, more));
  const v6 = (list: readonly { last: number; weight: number; isDraining: boolean }[]) =>
    list.map(({ last, ...more }) => backend(`2001:db8:9::${last.toString(16)}`, more));
  const later = [tcpService([]), tcpService([], VIP6)];
  const loaded = loadBalancer(t, [], { later });
  const seen = new Set<number>();
  fc.assert(
    fc.property(
      anyBackends,
      anyBackends,
      fc.array(fc.nat(2 ** 31), { minLength: 20, maxLength: 20 }),
      (a, b, numbers) => {
        // Without any first: nothing is left in the table.
        loaded.balancer.setAll([]);
        const services = [tcpService(v4(a)), tcpService(v6(b), VIP6)] as const;
        loaded.balancer.setAll(services);
        for (const number of numbers) {
          const one = flow(number & 0xffffff);
          const six = {
            ...one,
            source: formatIpAddress(
              Uint8Array.of(0x20, 1, 0xd, 0xb8, ...Array(8).fill(number & 255), 1, 2, 3, number & 255),
            ),
            target: VIP6,
          };
          for (const [of, each] of [
            [services[0], one],
            [services[1], six],
          ] as const) {
            const { packet, counted } = loaded.front.show(segment(each, SYN));
            const wanted = expected(of, each);
            assert.deepEqual(counted, wanted === 0 ? { dropNoBackend: 1 } : { balanced: 1 });
            if (wanted === 0) continue;
            assert.equal(wentTo(packet), wanted);
            seen.add(wanted);
          }
        }
      },
    ),
    { numRuns: 25 },
  );
  assert.ok(seen.size > 20);
});

test('connections stay while backends come', { skip }, (t) => {
  const loaded = loadBalancer(t, [tcpService(addresses(3))]);
  const before = allSent(loaded, 300, SYN);
  loaded.balancer.setAll([tcpService(addresses(9))]);
  assert.deepEqual(allSent(loaded, 300, ACK), before);
  // Others find those that came.
  assert.ok(Array.from({ length: 300 }, (_, i) => sent(loaded, flow(5000 + i), SYN)).some((last) => last > 3));
});

test('a backend that drains keeps its connections and gets no others; of one that is gone they move', { skip }, (t) => {
  const loaded = loadBalancer(t, [tcpService(addresses(4))]);
  const before = allSent(loaded, 300, SYN);
  allSent(loaded, 300, ACK);
  const [first, ...others] = addresses(4) as [string, ...string[]];
  loaded.balancer.setAll([tcpService([backend(first, { isDraining: true }), ...others])]);
  assert.deepEqual(allSent(loaded, 300, ACK), before);
  assert.ok(Array.from({ length: 300 }, (_, i) => sent(loaded, flow(5000 + i), SYN)).every((last) => last !== 1));
  loaded.balancer.setAll([tcpService(others)]);
  allSent(loaded, 300, ACK).forEach((last, i) => {
    if (before[i] === 1) assert.ok(last > 1);
    else assert.equal(last, before[i]);
  });
});

test('what a check finds moves connections, and brings nothing back that has moved', { skip }, (t) => {
  const loaded = loadBalancer(t, [tcpService(addresses(3))]);
  const before = allSent(loaded, 200, SYN);
  loaded.balancer.setHealth([{ service: `tcp ${VIP}:443`, backend: '192.0.2.2', health: 'down' }]);
  const during = allSent(loaded, 200, ACK);
  for (const [i, last] of during.entries()) assert.ok(before[i] === 2 ? last !== 2 : last === before[i]);
  assert.equal(loaded.balancer.status().choices.moved, before.filter((last) => last === 2).length);
  loaded.balancer.setHealth([{ service: `tcp ${VIP}:443`, backend: '192.0.2.2', health: 'up' }]);
  assert.deepEqual(allSent(loaded, 200, ACK), during);
  loaded.balancer.setHealth([{ service: `tcp ${VIP}:443`, backend: '192.0.2.2', health: 'up' }]);
});

test('a SYN begins anew where a connection was closed or never open, and does not where it is open', { skip }, (t) => {
  const loaded = loadBalancer(t, [tcpService(addresses(2))]);
  const isFirst = (i: number): boolean => sent(loaded, flow(i), SYN) === 1;
  const mine = Array.from({ length: 60 }, (_, i) => i).filter(isFirst);
  assert.ok(mine.length > 12);
  const [fresh, open, closed, reset] = mine as [number, number, number, number];
  for (const i of [open, closed, reset]) sent(loaded, flow(i), ACK);
  sent(loaded, flow(closed), FIN);
  sent(loaded, flow(reset), RST);
  loaded.balancer.setAll([tcpService([backend('192.0.2.1', { isDraining: true }), '192.0.2.2'])]);
  assert.deepEqual(
    [closed, reset].map((i) => sent(loaded, flow(i), ACK)),
    [1, 1],
  );
  assert.deepEqual(
    [fresh, open, closed, reset].map((i) => sent(loaded, flow(i), SYN)),
    [2, 1, 2, 2],
  );
});

const unconfirmed = ({ balancer }: Loaded): number => balancer.status().connections.unconfirmed;

test('a connection is confirmed by what follows its SYN, not by the same SYN', { skip }, (t) => {
  const loaded = loadBalancer(t, [tcpService(addresses(2))]);
  sent(loaded, flow(1), SYN);
  sent(loaded, flow(1), SYN);
  assert.equal(unconfirmed(loaded), 1);
  sent(loaded, flow(1), ACK);
  assert.equal(unconfirmed(loaded), 0);
  assert.equal(loaded.balancer.status().connections.total, 1);
});

test('a flood of random sources takes no place from a connection that is open', { skip }, (t) => {
  const loaded = loadBalancer(t, [tcpService(addresses(3))], { options: { connections: 1024 } });
  const mine = allSent(loaded, 200, SYN);
  allSent(loaded, 200, ACK);
  for (let i = 0; i < 20_000; i++) sent(loaded, flow(100_000 + i), SYN);
  const { connections } = loaded.balancer.status();
  assert.equal(connections.total, connections.places);
  // Backends came meanwhile: what is not in the table would move.
  loaded.balancer.setAll([tcpService(addresses(12))]);
  assert.deepEqual(allSent(loaded, 200, ACK), mine);
});

test('a table that is full of open connections goes on by the ring, and says so', { skip }, (t) => {
  const loaded = loadBalancer(t, [tcpService(addresses(3))], { options: { connections: 8 } });
  allSent(loaded, 20, SYN);
  for (let i = 0; i < 20; i++) {
    sent(loaded, flow(i), SYN);
    sent(loaded, flow(i), ACK);
  }
  const wanted = tcpService(addresses(3));
  for (let i = 100; i < 150; i++) assert.equal(sent(loaded, flow(i), SYN), expected(wanted, flow(i)));
  const { connections, choices } = loaded.balancer.status();
  assert.deepEqual([connections.total, connections.unconfirmed], [8, 0]);
  assert.ok(choices.unkept >= 50);
});

test('what is silent for too long gives its place away', { skip }, async (t) => {
  const timeouts = { new: 0.05, tcp: 0.05, udp: 0.05, closing: 0.05 };
  const loaded = loadBalancer(t, [tcpService(addresses(3))], { options: { connections: 8, timeouts, timeShift: 0 } });
  for (let i = 0; i < 8; i++) {
    sent(loaded, flow(i), SYN);
    sent(loaded, flow(i), ACK);
  }
  const { unkept } = loaded.balancer.status().choices;
  await wait(120);
  sent(loaded, flow(100), SYN);
  assert.equal(loaded.balancer.status().choices.unkept, unkept);
  assert.equal(unconfirmed(loaded), 1);
});

test('each service and each backend counts what it got', { skip }, (t: TestContext) => {
  const loaded = loadBalancer(t, [tcpService(addresses(2)), service(VIP, ['192.0.2.9'])]);
  const sentTo = allSent(loaded, 50, SYN);
  const [first, second] = loaded.balancer.status().services;
  assert.equal(first?.service, `tcp ${VIP}:443`);
  assert.deepEqual([first?.packets, first?.bytes], [50, 50 * 40]);
  assert.deepEqual(
    first?.backends.map(({ packets, connections, state }) => [packets, connections, state]),
    [1, 2].map((last) => [
      sentTo.filter((each) => each === last).length,
      sentTo.filter((each) => each === last).length,
      'up',
    ]),
  );
  assert.deepEqual([second?.service, second?.packets], [`udp ${VIP}:53`, 0]);
});

test('what is too much is refused, and what was is in force; numbers come back', { skip }, (t) => {
  const loaded = loadBalancer(t, [tcpService(addresses(2))], { most: { backends: 5, rings: 4 } });
  const before = allSent(loaded, 50, SYN);
  assert.throws(() => loaded.balancer.setAll([tcpService(addresses(5))]), {
    name: 'RangeError',
    message: /^4 are the most/,
  });
  const many = [1, 2, 3, 4].map((last) => tcpService([], `203.0.113.${last}`));
  assert.throws(() => loaded.balancer.setAll(many), { name: 'RangeError', message: /^3 are the most/ });
  assert.deepEqual(allSent(loaded, 50, ACK), before);
  for (let round = 0; round < 10; round++)
    for (const count of [4, 2, 3])
      loaded.balancer.setAll([tcpService(addresses(count)), tcpService([], `203.0.113.${20 + round}`)]);
  assert.equal(loaded.balancer.status().services.length, 2);
});

test('a backend to which no way is known gets nothing; one whose way is lost for a moment goes on', { skip }, (t) => {
  const ways = new Set([1]);
  const find = (address: Uint8Array) => (ways.has(address.at(-1) as number) ? hopTo(address) : undefined);
  const loaded = loadBalancer(t, [tcpService(addresses(2))], { find });
  assert.deepEqual(new Set(allSent(loaded, 60, SYN)), new Set([1]));
  ways.add(2);
  loaded.balancer.refresh();
  const both = Array.from({ length: 60 }, (_, i) => sent(loaded, flow(1000 + i), SYN));
  assert.deepEqual(new Set(both), new Set([1, 2]));
  ways.clear();
  loaded.balancer.refresh();
  assert.deepEqual(
    Array.from({ length: 60 }, (_, i) => sent(loaded, flow(1000 + i), ACK)),
    both,
  );
});

test('a backend behind another interface is sent to there, without the tags of the first one', { skip }, (t) => {
  const find = (address: Uint8Array) => hopTo(address, { interface: 7 });
  const loaded = loadBalancer(
    t,
    [tcpService(addresses(1)), tcpService([backend('192.0.2.2', { encapsulation: 'direct' })], '203.0.113.11')],
    { find },
  );
  for (const target of [VIP, '203.0.113.11']) {
    const frame = segment({ source: '10.64.0.2', target, sourcePort: 40_000 });
    const plain = loaded.front.program.test(frame);
    assert.equal(plain.verdict, XdpVerdict.redirect);
    const tagged = Uint8Array.from([...frame.subarray(0, 12), 0x81, 0, 0, 7, ...frame.subarray(12)]);
    const { verdict, packet } = loaded.front.program.test(tagged);
    assert.deepEqual({ verdict, packet }, { verdict: plain.verdict, packet: plain.packet }, target);
  }
});

test('outer sources are spread as the prefix lets them, the same for all packets of a flow', { skip }, (t) => {
  const find = (address: Uint8Array) => hopTo(address, { spread: 0xffff });
  const loaded = loadBalancer(t, [tcpService(addresses(1))], { find });
  const sourceOf = (i: number): string =>
    formatIpAddress(loaded.front.program.test(segment(flow(i))).packet.slice(26, 30));
  const sources = Array.from({ length: 100 }, (_, i) => sourceOf(i));
  assert.ok(new Set(sources).size > 95);
  assert.ok(sources.every((source) => source.startsWith('10.255.')));
  assert.deepEqual(
    Array.from({ length: 100 }, (_, i) => sourceOf(i)),
    sources,
  );
});
