import { fold } from '#protocol/ip/checksum.ts';
import { type PacketOptions, tcp, udp } from '#protocol/ip/testing/packets.ts';
import { parseIpAddress } from '#protocol/ip/text.ts';
import type { CounterName } from '../front.ts';
import { backend, SEED, service } from './balanced.ts';
import { bytes, changed, icmp, ip, resized, withExtensions, withOptions, word } from './frames.ts';
import { flowHash, spreadOf } from './model.ts';
import { type OuterOptions, outer, packetOf, relinked } from './outer.ts';

/** A frame, and what the balancer makes of it; where nothing is said it stays as it is. */
export interface BalanceFixture {
  readonly name: string;
  readonly frame: Uint8Array;
  readonly counted: CounterName;
  readonly out?: Uint8Array;
}

const row = (name: string, frame: Uint8Array, counted: CounterName, out?: Uint8Array): BalanceFixture => ({
  ...{ name, frame, counted },
  ...(out && { out }),
});

const V4 = '10.64.0.2';
const V6 = '2001:db8::2';
const OUT4 = '10.255.0.0';
const OUT6 = 'fd00:ffff::';

/** One backend each, so that what comes out is known. Ports are those that `udp` and `tcp` of the fixtures have. */
export const FIXTURE_SERVICES = [
  service('203.0.113.10', ['192.0.2.1']),
  service('203.0.113.10', ['192.0.2.2'], { protocol: 'tcp', port: 443 }),
  service('203.0.113.11', ['2001:db8:9::3']),
  service('2001:db8:1::1', ['2001:db8:9::4']),
  service('2001:db8:1::1', ['192.0.2.5'], { protocol: 'tcp', port: 443 }),
  service('203.0.113.12', [backend('192.0.2.6', { encapsulation: 'gue' })]),
  service('2001:db8:1::2', [backend('2001:db8:9::7', { encapsulation: 'gue' })]),
  service('2001:db8:1::4', [backend('192.0.2.17', { encapsulation: 'gue' })]),
  service('203.0.113.18', [backend('2001:db8:9::12', { encapsulation: 'gue' })]),
  service('203.0.113.13', [backend('192.0.2.8', { encapsulation: 'direct' })]),
  service('2001:db8:1::3', [backend('2001:db8:9::8', { encapsulation: 'direct' })]),
  service('203.0.113.14', ['192.0.2.9'], { port: 0, isBySource: true }),
  service('203.0.113.14', ['192.0.2.19'], { port: 53 }),
  service('2001:db8:1::5', ['2001:db8:9::9'], { port: 0, isBySource: true }),
  service('198.51.100.0/24', ['192.0.2.10'], { protocol: 'tcp', port: 443 }),
  service('198.51.100.128/25', ['192.0.2.11'], { protocol: 'tcp', port: 443 }),
  service('198.51.100.7', ['192.0.2.12'], { protocol: 'tcp', port: 443 }),
  service('2001:db8:5::/48', ['2001:db8:9::a'], { port: 0 }),
  service('203.0.113.15', []),
  service('203.0.113.16', ['192.0.2.16']),
  service('2001:db8:1::6', ['2001:db8:9::16']),
];

const to = (destination: string, more: PacketOptions = {}): Uint8Array =>
  ip({ source: destination.includes(':') ? V6 : V4, destination, ...more });
const SYN = { protocol: 6, payload: tcp({ flags: 2 }) } as const;

interface Way {
  readonly destination: string;
  readonly last: number;
}

/** IP in IP to a backend. */
const inIp = (frame: Uint8Array, { destination, last }: Way, more: Partial<OuterOptions> = {}): Uint8Array => {
  const inner = packetOf(frame);
  const isV6 = destination.includes(':');
  const isInnerV4 = (inner[0] as number) >>> 4 === 4;
  const mayCut = isInnerV4 && ((inner[6] as number) & 0x40) === 0;
  return outer(inner, { source: isV6 ? OUT6 : OUT4, destination, last, mayCut, ...more });
};

const hashOf = (source: string, target: string, protocol: number, ports: readonly [number, number]): bigint =>
  flowHash(
    {
      source: parseIpAddress(source) as Uint8Array,
      target: parseIpAddress(target) as Uint8Array,
      ...{ protocol, sourcePort: ports[0], targetPort: ports[1] },
    },
    SEED,
  );
const UDP_PORTS = [5000, 53] as const;
const TCP_PORTS = [40000, 443] as const;
const spread = (target: string, protocol = 17, ports: readonly [number, number] = UDP_PORTS) =>
  spreadOf(hashOf(target.includes(':') ? V6 : V4, target, protocol, ports));
const label = (target: string, protocol = 17, ports: readonly [number, number] = UDP_PORTS) => ({
  label: spread(target, protocol, ports).label,
});
const port = (target: string) => ({ sourcePort: spread(target).sourcePort });

const B1: Way = { destination: '192.0.2.1', last: 1 };
const B2: Way = { destination: '192.0.2.2', last: 2 };
const B3: Way = { destination: '2001:db8:9::3', last: 3 };
const B4: Way = { destination: '2001:db8:9::4', last: 4 };
const B5: Way = { destination: '192.0.2.5', last: 5 };
const B9: Way = { destination: '192.0.2.9', last: 9 };
const S1 = '203.0.113.10';
const S6 = '2001:db8:1::1';

/** @param make of a frame what is expected */
const each = (
  rows: readonly (readonly [name: string, frame: Uint8Array])[],
  make: (frame: Uint8Array) => Uint8Array,
): BalanceFixture[] => rows.map(([name, frame]) => row(name, frame, 'balanced', make(frame)));

const v4In4 = each(
  [
    ['UDP', to(S1)],
    ['an empty datagram', to(S1, { payload: udp(new Uint8Array(0)) })],
    ['as large as fits', to(S1, { payload: udp(new Uint8Array(1452)) })],
    ['with DF', to(S1, { fragmentField: 0x4000 })],
    ['as large as fits with DF', to(S1, { fragmentField: 0x4000, payload: udp(new Uint8Array(1452)) })],
    ['its last hop', to(S1, { hopLimit: 1 })],
    ['a wrong header checksum is the backend’s', changed(to(S1), { 10: [1, 2] })],
    ['a wrong UDP checksum is the backend’s', changed(to(S1), { 26: [1, 2] })],
    ['no UDP checksum', changed(to(S1), { 26: [0, 0] })],
    ['options of IPv4', withOptions([1, 1, 1, 0], { source: V4, destination: S1 })],
    ['40 bytes of options', withOptions(Array(40).fill(1), { source: V4, destination: S1 })],
    ['another source', to(S1, { source: '198.18.0.1' })],
  ],
  (frame) => inIp(frame, B1),
);

const tcpIn4 = each(
  [
    ['SYN', to(S1, SYN)],
    ['SYN and ACK', to(S1, { protocol: 6, payload: tcp({ flags: 0x12 }) })],
    ['ACK', to(S1, { protocol: 6, payload: tcp({}) })],
    ['FIN', to(S1, { protocol: 6, payload: tcp({ flags: 0x11 }) })],
    ['RST', to(S1, { protocol: 6, payload: tcp({ flags: 4 }) })],
    ['no flags', to(S1, { protocol: 6, payload: tcp({ flags: 0 }) })],
    ['all flags', to(S1, { protocol: 6, payload: tcp({ flags: 0xff }) })],
    ['options of TCP', to(S1, { protocol: 6, payload: tcp({ options: [2, 4, 5, 0xb4] }) })],
    ['data', to(S1, { protocol: 6, payload: tcp({ data: new Uint8Array(1440) }) })],
  ],
  (frame) => inIp(frame, B2),
);

const mixed: readonly BalanceFixture[] = [
  ...each([['IPv4 in IPv6', to('203.0.113.11')]], (frame) => inIp(frame, B3, label('203.0.113.11'))),
  ...each(
    [
      ['IPv6 in IPv6', to(S6)],
      ['IPv6 in IPv6, empty', to(S6, { payload: udp(new Uint8Array(0)) })],
      ['IPv6 in IPv6, as large as fits', to(S6, { payload: udp(new Uint8Array(1412)) })],
      [
        'IPv6 with destination options in IPv6',
        withExtensions([[60, [1, 4, 0, 0, 0, 0]]], 17, undefined, { source: V6 }),
      ],
    ],
    (frame) => inIp(frame, B4, label(S6)),
  ),
  ...each([['IPv6 in IPv4', to(S6, SYN)]], (frame) => inIp(frame, B5)),
  ...each([['IPv4 in UDP over IPv4', to('203.0.113.12')]], (frame) =>
    inIp(frame, { destination: '192.0.2.6', last: 6 }, port('203.0.113.12')),
  ),
  ...each([['IPv6 in UDP over IPv6', to('2001:db8:1::2')]], (frame) =>
    inIp(frame, { destination: '2001:db8:9::7', last: 7 }, { ...port('2001:db8:1::2'), ...label('2001:db8:1::2') }),
  ),
  ...each([['IPv6 in UDP over IPv4', to('2001:db8:1::4')]], (frame) =>
    inIp(frame, { destination: '192.0.2.17', last: 17 }, port('2001:db8:1::4')),
  ),
  ...each([['IPv4 in UDP over IPv6', to('203.0.113.18')]], (frame) =>
    inIp(frame, { destination: '2001:db8:9::12', last: 0x12 }, { ...port('203.0.113.18'), ...label('203.0.113.18') }),
  ),
];

const traffic: readonly BalanceFixture[] = [
  ...[0x28, 0xb8, 1, 2, 3, 0xff].map((tos) => {
    const frame = changed(to(S1), { 1: tos });
    return row(`DSCP and ECN of IPv4 ${tos}`, frame, 'balanced', inIp(frame, B1, { traffic: tos }));
  }),
  ...[0x28, 0xb8, 3, 0xff].map((tos) => {
    const frame = changed(to(S6), { 0: [0x60 | (tos >>> 4), (tos & 15) << 4] });
    return row(`DSCP and ECN of IPv6 ${tos}`, frame, 'balanced', inIp(frame, B4, { traffic: tos, ...label(S6) }));
  }),
  ...[0x28, 3].map((tos) => {
    const frame = changed(to('203.0.113.11'), { 1: tos });
    return row(
      `DSCP and ECN of IPv4 in IPv6 ${tos}`,
      frame,
      'balanced',
      inIp(frame, B3, { traffic: tos, ...label('203.0.113.11') }),
    );
  }),
];

const direct: readonly BalanceFixture[] = [
  ...each(
    [
      ['IPv4 to a neighbour', to('203.0.113.13')],
      ['as large as the link', to('203.0.113.13', { payload: udp(new Uint8Array(1472)) })],
      ['padding of a short frame stays', resized(to('203.0.113.13', { payload: udp(new Uint8Array(0)) }), 18)],
    ],
    (frame) => relinked(frame, 8),
  ),
  ...each([['IPv6 to a neighbour', to('2001:db8:1::3')]], (frame) => relinked(frame, 8)),
];

const tagged = (tags: Parameters<typeof ip>[1]): Uint8Array => ip({ source: V4, destination: S1 }, tags);
const TAG = [0x81, 0, 0, 7];
const tags: readonly BalanceFixture[] = [
  row('a tag stays', tagged([[0x8100, 7]]), 'balanced', withTags(inIp(to(S1), B1), TAG)),
  row(
    'two tags stay',
    tagged([
      [0x88a8, 8],
      [0x8100, 7],
    ]),
    'balanced',
    withTags(inIp(to(S1), B1), [0x88, 0xa8, 0, 8, ...TAG]),
  ),
  row(
    'a tag stays in front of a neighbour',
    ip({ source: V4, destination: '203.0.113.13' }, [[0x8100, 7]]),
    'balanced',
    withTags(relinked(to('203.0.113.13'), 8), TAG),
  ),
];

function withTags(frame: Uint8Array, more: readonly number[]): Uint8Array {
  return bytes(frame.subarray(0, 12), more, frame.subarray(12));
}

const NEXT = { source: V6 } as const;
const later = { fragmentField: 3, payload: new Uint8Array(16) } as const;
const first = { fragmentField: 0x2000 } as const;
const fragments: readonly BalanceFixture[] = [
  row('a first fragment of a service of a port', to(S1, first), 'dropServiceFragment'),
  row('a later one says no port: it is nobody’s', to(S1, later), 'passed'),
  row(
    'a first fragment over IPv6',
    withExtensions([[44, [0, 1, 0, 0, 0, 7]]], 17, undefined, NEXT),
    'dropServiceFragment',
  ),
  ...each(
    [
      ['a first fragment of a service by source', changed(to('203.0.113.14', first), { 22: [0x1f, 0x90] })],
      ['a later fragment of a service by source', to('203.0.113.14', later)],
    ],
    (frame) => inIp(frame, B9),
  ),
];

const lookups: readonly BalanceFixture[] = [
  ...each([['any port', changed(to('203.0.113.14'), { 22: [0x1f, 0x90] })]], (frame) => inIp(frame, B9)),
  ...each([['a port before any', to('203.0.113.14')]], (frame) => inIp(frame, { destination: '192.0.2.19', last: 19 })),
  ...each([['a prefix', to('198.51.100.9', SYN)]], (frame) => inIp(frame, { destination: '192.0.2.10', last: 10 })),
  ...each([['a longer prefix', to('198.51.100.200', SYN)]], (frame) =>
    inIp(frame, { destination: '192.0.2.11', last: 11 }),
  ),
  ...each([['an address before a prefix', to('198.51.100.7', SYN)]], (frame) =>
    inIp(frame, { destination: '192.0.2.12', last: 12 }),
  ),
  ...each([['any port of a prefix', to('2001:db8:5::77')]], (frame) =>
    inIp(frame, { destination: '2001:db8:9::a', last: 10 }, label('2001:db8:5::77')),
  ),
  row('a port of no service', changed(to(S1), { 22: [0, 54] }), 'passed'),
  row('a protocol of no service', to('203.0.113.11', SYN), 'passed'),
  row('an address of no service', to('203.0.113.99'), 'passed'),
  row('an IPv6 address of no service', to('2001:db8:1::99'), 'passed'),
  row('a prefix’s address with another port', changed(to('198.51.100.9', SYN), { 22: [0, 80] }), 'passed'),
  row('another protocol to a service’s address', to(S1, { protocol: 47, payload: new Uint8Array(8) }), 'passed'),
  row('an IPv4 service is not found by the same words of IPv6', to('cb00:710a::'), 'passed'),
  row('a service without backends', to('203.0.113.15'), 'dropNoBackend'),
];

/** What answers are made of: links and addresses the other way round. */
const turned = (frame: Uint8Array): Uint8Array => {
  const isV4 = frame[12] === 8;
  const [at, bytesEach] = isV4 ? [26, 4] : [22, 16];
  return bytes(
    ...[frame.subarray(6, 12), frame.subarray(0, 6), frame.subarray(12, at)],
    ...[frame.subarray(at + bytesEach, at + 2 * bytesEach), frame.subarray(at, at + bytesEach)],
    frame.subarray(at + 2 * bytesEach),
  );
};

const echo = (target: string, more: PacketOptions = {}, rest: readonly number[] = [0, 7, 0, 1]): Uint8Array => {
  const isV6 = target.includes(':');
  const frame = to(target, { protocol: isV6 ? 58 : 1, payload: icmp(isV6 ? 128 : 8, 0, rest), ...more });
  return isV6 ? frame : changed(frame, { 22: icmpSum(frame, 34) });
};

/** Of ICMP, from there on. */
const icmpSum = (frame: Uint8Array, at: number): number[] => {
  let sum = 0;
  for (let i = at; i < frame.length; i += 2) if (i !== at + 2) sum += 256 * (frame[i] as number) + (frame[i + 1] ?? 0);
  return word(~fold(sum) & 0xffff);
};

const answered = (frame: Uint8Array): Uint8Array => {
  const isV6 = frame[12] === 0x86;
  const out = turned(frame);
  const { source, destination } = isV6 ? { source: S6, destination: V6 } : { source: S1, destination: V4 };
  const payload = out.slice(isV6 ? 54 : 34);
  payload[0] = isV6 ? 129 : 0;
  const built = ip({ source, destination, protocol: isV6 ? 58 : 1, payload, hopLimit: 64 });
  const whole = bytes(out.subarray(0, 14), built.subarray(14));
  return isV6 ? whole : changed(whole, { 22: icmpSum(whole, 34) });
};

const echoes: readonly BalanceFixture[] = [
  ...[
    ['an echo', echo(S1)],
    ['an echo of its last hop', echo(S1, { hopLimit: 1 })],
    ['an echo whose checksum carries', echo(S1, {}, [0xff, 0xff, 0xf7, 0xfe])],
    ['an echo of 64 hops', echo(S1, { hopLimit: 64 })],
    ['an echo over IPv6', echo(S6)],
    ['an echo over IPv6 whose checksum carries', echo(S6, {}, [0xff, 0xff, 0xff, 0xfe])],
  ].map(([name, frame]) => row(name as string, frame as Uint8Array, 'answeredEcho', answered(frame as Uint8Array))),
  row('an echo to no service', echo('203.0.113.99'), 'passed'),
  row('an echo reply', to(S1, { protocol: 1, payload: icmp(0) }), 'passed'),
  row('an echo of another code', to(S1, { protocol: 1, payload: icmp(8, 1) }), 'passed'),
  row('a fragment of an echo', to(S1, { protocol: 1, payload: icmp(8), fragmentField: 0x2000 }), 'passed'),
  row('ICMPv6 of IPv4’s number', to(S6, { protocol: 58, payload: icmp(8) }), 'passed'),
];

/** An error that a router on the way sent about an answer of the service. */
const about = (inner: Uint8Array, type: number, code: number, more: PacketOptions = {}, quoted = 28): Uint8Array => {
  const packet = packetOf(inner);
  const isV6 = (packet[0] as number) >>> 4 === 6;
  const payload = bytes([type, code, 0, 0, 0, 0, 5, 0], packet.subarray(0, isV6 ? quoted + 20 : quoted));
  const [source, destination] = isV6 ? ['2001:db8:ffff::1', S6] : ['198.18.7.7', S1];
  return ip({ source, destination, protocol: isV6 ? 58 : 1, payload, ...more });
};

/** What a service answers with: ports the other way round. */
const answer = (source: string, protocol: 6 | 17 = 17, more: PacketOptions = {}): Uint8Array => {
  const isV6 = source.includes(':');
  const frame = ip({
    source,
    destination: isV6 ? V6 : V4,
    protocol,
    payload: protocol === 6 ? tcp({}) : udp(new Uint8Array(18)),
    ...more,
  });
  const ports = protocol === 6 ? TCP_PORTS : UDP_PORTS;
  return changed(frame, { [isV6 ? 40 : 20]: [...word(ports[1]), ...word(ports[0])] });
};

const errors: readonly BalanceFixture[] = [
  ...each(
    [
      ['fragmentation needed', about(answer(S1), 3, 4)],
      ['port unreachable', about(answer(S1), 3, 3)],
      ['time exceeded', about(answer(S1), 11, 0)],
      ['a parameter problem', about(answer(S1), 12, 0)],
      ['an error that quotes all', about(answer(S1), 3, 4, {}, 46)],
    ],
    (frame) => inIp(frame, B1),
  ),
  ...each([['fragmentation needed of TCP', about(answer(S1, 6), 3, 4)]], (frame) => inIp(frame, B2)),
  ...each(
    [
      ['packet too big', about(answer(S6), 2, 0)],
      ['ICMPv6 unreachable', about(answer(S6), 1, 4)],
      ['ICMPv6 time exceeded', about(answer(S6), 3, 0)],
      ['an ICMPv6 parameter problem', about(answer(S6), 4, 0)],
    ],
    (frame) => inIp(frame, B4, label(S6)),
  ),
  ...each([['packet too big of TCP', about(answer(S6, 6), 2, 0)]], (frame) => inIp(frame, B5)),
  row('an error about what another address sent', about(answer('203.0.113.99'), 3, 4), 'passed'),
  row('an ICMPv6 error about what another address sent', about(answer('2001:db8:1::99'), 2, 0), 'passed'),
  row('an error about no port of a service', changed(about(answer(S1), 3, 4), { 48: [0, 54] }), 'passed'),
  row('an error about ICMP', about(answer(S1, 17, { protocol: 1, payload: icmp(0) }), 3, 1), 'passed'),
  row('an error about a later fragment', about(answer(S1, 17, { fragmentField: 3 }), 3, 1), 'passed'),
  row('an error that quotes another version', changed(about(answer(S1), 3, 4), { 28: 0x65 }), 'passed'),
  row('an error that quotes too short a header', changed(about(answer(S1), 3, 4), { 28: 0x44 }), 'passed'),
  row('an error that quotes a header beyond its end', changed(about(answer(S1), 3, 4), { 28: 0x4f }), 'passed'),
  row('an error that quotes a header alone', about(answer(S1), 3, 4, {}, 20), 'passed'),
  row('an error that quotes nothing', about(answer(S1), 3, 4, {}, 0), 'passed'),
  row('an ICMPv6 error that quotes a header alone', about(answer(S6), 2, 0, {}, 20), 'passed'),
  row('a redirect', about(answer(S1), 5, 0), 'passed'),
  row('a neighbour solicitation', to(S6, { protocol: 58, payload: icmp(135) }), 'passed'),
];

/** What is told to who sent too large a packet. @param quoted bytes of it */
const tooBig = (frame: Uint8Array, mtu: number): Uint8Array => {
  const isV6 = frame[12] === 0x86;
  const head = isV6 ? [2, 0, 0, 0, 0, 0, ...word(mtu)] : [3, 4, 0, 0, 0, 0, ...word(mtu)];
  const payload = bytes(head, frame.subarray(14, 14 + (isV6 ? 1024 : 512)));
  const [source, destination] = isV6 ? [S6, V6] : [S1, V4];
  const built = ip({ source, destination, protocol: isV6 ? 58 : 1, payload, id: 0, hopLimit: 64 });
  const out = bytes(frame.subarray(6, 12), frame.subarray(0, 6), built.subarray(12));
  return isV6 ? out : changed(out, { 22: icmpSum(out, 34) });
};

const DF = { fragmentField: 0x4000 } as const;
const large = (bytesOfData: number) => ({ payload: udp(new Uint8Array(bytesOfData).fill(0xa5)) });
const sizes: readonly BalanceFixture[] = [
  row(
    'one byte too many with DF',
    to(S1, { ...DF, ...large(1453) }),
    'answeredTooBig',
    tooBig(to(S1, { ...DF, ...large(1453) }), 1480),
  ),
  row(
    'the largest of the link with DF',
    to(S1, { ...DF, ...large(1472) }),
    'answeredTooBig',
    tooBig(to(S1, { ...DF, ...large(1472) }), 1480),
  ),
  row('one byte too many without DF', to(S1, large(1453)), 'dropTooBig'),
  row('one byte too many over IPv6', to(S6, large(1413)), 'answeredTooBig', tooBig(to(S6, large(1413)), 1460)),
  row('the largest of the link over IPv6', to(S6, large(1452)), 'answeredTooBig', tooBig(to(S6, large(1452)), 1460)),
  row('an error that is too big', about(answer(S1, 17, large(1452)), 3, 4, {}, 1472), 'dropTooBig'),
];

export const BALANCE_FIXTURES: Readonly<Record<string, readonly BalanceFixture[]>> = {
  'IPv4 in IPv4': v4In4,
  'TCP in IPv4': tcpIn4,
  'either family in either': mixed,
  'classes of traffic': traffic,
  neighbours: direct,
  tags,
  fragments,
  lookups,
  echo: echoes,
  'ICMP errors': errors,
  sizes,
};
