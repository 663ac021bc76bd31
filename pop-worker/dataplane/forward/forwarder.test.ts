import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TunPacket } from '#host/tun/packet.ts';
import { readWord } from '#protocol/ip/checksum.ts';
import { GsoType, NEEDS_CHECKSUM } from '#protocol/ip/offload.ts';
import { PrefixTable } from '#protocol/ip/prefix-table.ts';
import { address, isIntact, joinFragments, packet, tcp, udp } from '#protocol/ip/testing/packets.ts';
import { formatIpAddress, parsePrefix } from '#protocol/ip/text.ts';
import { IpFault, IpView, Protocol } from '#protocol/ip/view.ts';
import { Carriers } from './carriers.ts';
import { Forwarder } from './forwarder.ts';
import { HEADROOM, Session } from './session.ts';
import { TenantTable } from './tenant-table.ts';

const DF = 0x4000;

const prefix = (text: string) => {
  const parsed = parsePrefix(text);
  assert.ok(parsed, text);
  return parsed;
};

/** As a TUN would hand it over. @param buffer begins with `HEADROOM` free bytes */
const tunPacket = (buffer: Uint8Array, header: Partial<TunPacket>): TunPacket =>
  Object.assign(new TunPacket(), { buffer, start: HEADROOM, end: buffer.length, ...header });

class Device {
  readonly session: Session;
  readonly got: Uint8Array[] = [];
  mtu = 1400;
  isFull = false;

  constructor(tenant: string, name: string, sources: string[], egress = true) {
    const link = {
      mtu: () => this.mtu,
      send: (buffer: Uint8Array, start: number, end: number) => {
        if (this.isFull) return false;
        this.got.push(buffer.slice(start, end));
        return true;
      },
    };
    this.session = new Session({ tenant, device: name, sources: sources.map(prefix), egress }, link);
  }
}

/** Two tenants whose devices have the same IPv4 addresses. */
const world = (carriers = '100.64.0.0/24') => {
  const table = new TenantTable(new Carriers(prefix(carriers)));
  const outside: Uint8Array[] = [];
  const refused4 = new PrefixTable(4);
  refused4.set(address('169.254.0.0'), 16, 1);
  const forwarder = new Forwarder({
    tenants: table,
    egress: {
      add: (buffer, view) => {
        outside.push(buffer.slice(view.start, view.end));
        return outside.length < 100;
      },
    },
    refused: { refused4, refused6: new PrefixTable(16) },
    router4: address('192.0.2.1'),
    router6: address('2001:db8:a::1'),
  });
  table.defineTenant('red', [prefix('10.64.0.0/10'), prefix('fd00:1::/48')]);
  table.defineTenant('blue', [prefix('10.64.0.0/10'), prefix('fd00:2::/48')]);
  const red2 = new Device('red', 'red2', ['10.64.0.2/32', 'fd00:1::2/128']);
  const red3 = new Device('red', 'red3', ['10.64.0.3/32', 'fd00:1::3/128']);
  const blue2 = new Device('blue', 'blue2', ['10.64.0.2/32', 'fd00:2::2/128']);
  for (const device of [red2, red3, blue2]) table.attach(device.session);
  const send = (from: Device, options: Parameters<typeof packet>[0]): void => {
    const bytes = packet(options);
    const buffer = new Uint8Array(HEADROOM + bytes.length);
    buffer.set(bytes, HEADROOM);
    forwarder.fromSession(from.session, buffer, HEADROOM, buffer.length);
  };
  const arrive = (bytes: Uint8Array, flags = 0, gsoType: number = GsoType.none, gsoSize = 0): void => {
    const buffer = new Uint8Array(HEADROOM + bytes.length);
    buffer.set(bytes, HEADROOM);
    const upper = (bytes[0] as number) >>> 4 === 4 ? 20 : 40;
    const header = { flags, gsoType, gsoSize, checksumStart: upper, checksumOffset: 16 };
    forwarder.fromOutside(tunPacket(buffer, header));
  };
  return { table, forwarder, outside, red2, red3, blue2, send, arrive };
};

const source = (bytes: Uint8Array): string =>
  formatIpAddress((bytes[0] as number) >>> 4 === 4 ? bytes.subarray(12, 16) : bytes.subarray(8, 24));
const destination = (bytes: Uint8Array): string =>
  formatIpAddress((bytes[0] as number) >>> 4 === 4 ? bytes.subarray(16, 20) : bytes.subarray(24, 40));

test('devices of one tenant reach each other, one hop apart; the other tenant never sees it', () => {
  const { red2, red3, blue2, send, outside } = world();
  send(red2, { source: '10.64.0.2', destination: '10.64.0.3' });
  send(red2, { source: 'fd00:1::2', destination: 'fd00:1::3' });
  assert.equal(red3.got.length, 2);
  assert.ok(red3.got.every(isIntact));
  assert.deepEqual([red3.got[0]?.[8], red3.got[1]?.[7]], [63, 63]);
  assert.equal(blue2.got.length + outside.length, 0);
});

test('the other tenant is unreachable, also by its unique addresses, and told so', () => {
  const { red2, blue2, send, forwarder, outside } = world();
  send(red2, { source: 'fd00:1::2', destination: 'fd00:1::9' });
  assert.equal(forwarder.counters.drops.of('no_route'), 1);
  assert.equal(red2.got[0]?.[40], 1, 'ICMPv6 destination unreachable');
  send(red2, { source: 'fd00:1::2', destination: 'fd00:2::2' });
  send(red2, { source: '10.64.0.2', destination: '100.64.0.3' });
  assert.equal(forwarder.counters.drops.of('destination_refused'), 2);
  assert.equal(blue2.got.length + outside.length, 0);
});

test('a source that is not its own is dropped without an answer', () => {
  const { red2, red3, send, forwarder } = world();
  send(red2, { source: '10.64.0.3', destination: '10.64.0.2' });
  send(red2, { source: 'fd00:2::2', destination: 'fd00:1::3' });
  assert.equal(forwarder.counters.drops.of('source_address'), 2);
  assert.equal(red2.got.length + red3.got.length, 0);
  assert.equal(red2.session.counters.dropped, 2);
});

test('equal inner addresses leave by different carriers and find their way back', () => {
  const { red2, blue2, send, arrive, outside } = world();
  send(red2, { source: '10.64.0.2', payload: tcp({ data: Uint8Array.of(1) }) });
  send(blue2, { source: '10.64.0.2', payload: tcp({ data: Uint8Array.of(2) }) });
  const [a, b] = outside.map(source);
  assert.ok(a && b && a !== b);
  assert.ok(outside.every(isIntact));
  arrive(packet({ source: '203.0.113.10', destination: b, payload: udp(Uint8Array.of(5)), protocol: Protocol.udp }));
  arrive(packet({ source: '203.0.113.10', destination: a, payload: udp(Uint8Array.of(6)), protocol: Protocol.udp }));
  assert.deepEqual([red2.got.length, blue2.got.length], [1, 1]);
  for (const got of [red2.got[0]!, blue2.got[0]!]) {
    assert.ok(isIntact(got));
    assert.equal(destination(got), '10.64.0.2');
  }
  assert.equal(blue2.got[0]?.at(-1), 5);
});

test('what lies behind a device reaches its tenant, and the outside by IPv6; by IPv4 only the device itself does', () => {
  const { table, red2, send, outside, forwarder } = world();
  const site = new Device('red', 'site', ['10.64.0.9/32', '10.70.0.0/24', 'fd00:1:0:9::/64']);
  table.attach(site.session);
  send(site, { source: '10.70.0.5', destination: '10.64.0.2' });
  send(red2, { source: '10.64.0.2', destination: '10.70.0.6' });
  assert.deepEqual([red2.got.map(source), site.got.map(destination)], [['10.70.0.5'], ['10.70.0.6']]);
  send(site, { source: 'fd00:1:0:9::7', destination: '2001:db8:f::10' });
  send(site, { source: '10.64.0.9' });
  assert.equal(outside.length, 2);
  send(site, { source: '10.70.0.5' });
  assert.equal(outside.length, 2);
  assert.equal(forwarder.counters.drops.of('egress_not_allowed'), 1);
  assert.equal(site.got[1]?.[20], 3, 'it is told so');
});

test('a large packet from outside becomes whole segments for the inner address', () => {
  const { red2, arrive } = world();
  const data = Uint8Array.from({ length: 5000 }, (_, i) => i);
  arrive(
    packet({ source: '203.0.113.10', destination: '100.64.0.1', payload: tcp({ data }) }),
    NEEDS_CHECKSUM,
    GsoType.tcp4,
    1300,
  );
  assert.equal(red2.got.length, 4);
  assert.ok(red2.got.every((bytes) => isIntact(bytes) && destination(bytes) === '10.64.0.2'));
  assert.deepEqual(
    red2.got.flatMap((bytes) => [...bytes.subarray(40)]),
    [...data],
  );
});

test('what is too big is answered with Packet Too Big on the side it came from', () => {
  const { red2, red3, send, arrive, outside, forwarder } = world();
  red3.mtu = 1300;
  send(red2, { source: 'fd00:1::2', destination: 'fd00:1::3', payload: tcp({ data: new Uint8Array(1290) }) });
  const answer = new IpView();
  assert.equal(answer.parse(red2.got[0]!, 0, red2.got[0]!.length), IpFault.none);
  assert.equal(red2.got[0]?.[40], 2);
  arrive(
    packet({
      source: '203.0.113.10',
      destination: '100.64.0.2',
      fragmentField: DF,
      payload: tcp({ data: new Uint8Array(4000) }),
    }),
    1,
    GsoType.tcp4,
    1400,
  );
  assert.equal(destination(outside[0]!), '203.0.113.10');
  assert.deepEqual([...outside[0]!.subarray(20, 22)], [3, 4]);
  assert.equal(formatIpAddress(outside[0]!.subarray(28 + 16, 28 + 20)), '100.64.0.2', 'quotes what was sent');
  assert.equal(forwarder.counters.drops.of('too_big'), 2);
});

test('IPv4 without DF is cut to what the tunnel takes, wherever it comes from; with DF it is reported', () => {
  const { red2, red3, send, arrive, outside, forwarder } = world();
  const data = Uint8Array.from({ length: 3000 }, (_, i) => i * 7);
  const datagram = (more: Parameters<typeof packet>[0]) =>
    packet({ protocol: Protocol.udp, payload: udp(data), id: 5, ...more });
  const from = { source: '203.0.113.10', destination: '100.64.0.2' };
  red3.mtu = 1300;
  arrive(datagram(from));
  assert.ok(red3.got.length === 3 && red3.got.every((bytes) => bytes.length <= 1300));
  assert.ok(red3.got.every((bytes) => destination(bytes) === '10.64.0.3'));
  const whole = datagram({ source: from.source, destination: '10.64.0.3', hopLimit: 63 });
  assert.deepEqual(
    joinFragments(red3.got.splice(0)),
    whole.slice(20),
    'with a checksum that is right for the inner address',
  );
  const inner = { source: '10.64.0.2', destination: '10.64.0.3' };
  send(red2, { protocol: Protocol.udp, payload: udp(data), ...inner });
  assert.deepEqual(joinFragments(red3.got.splice(0)), datagram(inner).slice(20));
  // Segments of a large packet, each too large for the tunnel.
  arrive(packet({ ...from, payload: tcp({ data }) }), NEEDS_CHECKSUM, GsoType.tcp4, 1400);
  assert.equal(red3.got.length, 5, 'two of 1440 bytes in two fragments each, and one of 240');
  assert.ok(red3.got.every((bytes) => bytes.length <= 1300));
  assert.equal(forwarder.counters.fragmented, 4);
  assert.equal(forwarder.counters.drops.of('too_big') + outside.length + red2.got.length, 0);
  arrive(datagram({ ...from, fragmentField: DF }));
  send(red2, { protocol: Protocol.udp, payload: udp(data), fragmentField: DF, ...inner });
  for (const error of [outside[0], red2.got[0]]) {
    assert.deepEqual([...(error?.subarray(20, 22) ?? [])], [3, 4]);
    assert.equal(error && readWord(error, 26), 1300);
  }
  assert.equal(forwarder.counters.drops.of('too_big'), 2);
});

test('hop limits run out, refused destinations and missing egress are answered', () => {
  const { red2, send, forwarder, table } = world();
  send(red2, { source: '10.64.0.2', hopLimit: 1 });
  send(red2, { source: '10.64.0.2', destination: '169.254.169.254' });
  const inside = new Device('red', 'inside', ['10.64.0.9/32'], false);
  table.attach(inside.session);
  send(inside, { source: '10.64.0.9' });
  assert.deepEqual(
    red2.got.map((bytes) => [bytes[20], bytes[21]]),
    [
      [11, 0],
      [3, 13],
    ],
  );
  assert.deepEqual(
    ['hop_limit', 'destination_refused', 'egress_not_allowed'].map((r) =>
      forwarder.counters.drops.of(r as 'hop_limit'),
    ),
    [1, 1, 1],
  );
});

test('a newer session takes the addresses over, and the older one leaves without taking them away', () => {
  const { red2, red3, send, table } = world();
  const again = new Device('red', 'red2', ['10.64.0.2/32', 'fd00:1::2/128']);
  table.attach(again.session);
  table.detach(red2.session);
  table.detach(red2.session);
  send(red3, { source: '10.64.0.3', destination: '10.64.0.2' });
  send(red3, { source: 'fd00:1::3', destination: 'fd00:1::2' });
  assert.deepEqual([red2.got.length, again.got.length], [0, 2]);
  table.detach(again.session);
  send(red3, { source: '10.64.0.3', destination: '10.64.0.2' });
  assert.equal(again.got.length, 2);
  assert.equal(table.sessionCount, 2);
});

test('carriers run out, come back, and a full queue is a counted drop', () => {
  const { table, send, forwarder, red3, red2 } = world('100.64.0.0/30');
  assert.equal(table.sessionCount, 3);
  const without = [...table.sessions()].filter((session) => session.carrier === undefined);
  assert.deepEqual(
    without.map((session) => session.device),
    ['blue2'],
  );
  red3.isFull = true;
  send(red2, { source: '10.64.0.2', destination: '10.64.0.3' });
  assert.equal(forwarder.counters.drops.of('session_queue_full'), 1);
  table.detach(red3.session);
  const late = new Device('red', 'late', ['10.64.0.5/32']);
  table.attach(late.session);
  assert.ok(late.session.carrier);
});

test('any bytes from either side are forwarded or counted, never thrown', () => {
  const { red2, forwarder } = world();
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 120 }),
    fc.uint8Array({ minLength: 40, maxLength: 120 }).map((tail) => {
      const out = packet({ source: '10.64.0.2', destination: '10.64.0.3', payload: tail });
      return out;
    }),
  );
  fc.assert(
    fc.property(bytes, fc.nat(3), fc.nat(5), fc.nat(2000), fc.nat(100), (input, flags, gsoType, gsoSize, start) => {
      const buffer = new Uint8Array(HEADROOM + input.length);
      buffer.set(input, HEADROOM);
      forwarder.fromSession(red2.session, buffer.slice(), HEADROOM, buffer.length);
      const header = { flags, gsoType, gsoSize, checksumStart: start, checksumOffset: start };
      forwarder.fromOutside(tunPacket(buffer, header));
    }),
    { numRuns: 1500 },
  );
});
