import { tcp, udp } from '#protocol/ip/testing/packets.ts';
import type { CounterName, FrontSettings } from '../front.ts';
import { Fragments } from '../gen/front.ts';
import { bytes, changed, ethernet, icmp, ip, resized, withExtensions, withOptions, word } from './frames.ts';

/** A frame, and what the filter makes of it. */
export interface FilterFixture {
  readonly name: string;
  readonly frame: Uint8Array;
  readonly counted: CounterName;
  /** Besides what is the default. */
  readonly settings?: FrontSettings;
}

const row = (name: string, frame: Uint8Array, counted: CounterName, settings?: FrontSettings): FilterFixture => ({
  ...{ name, frame, counted },
  ...(settings && { settings }),
});

const V6 = { source: '2001:db8::2', destination: '2001:db8:1::1' } as const;
const EMPTY = udp(new Uint8Array(0));
const SYN = tcp({ flags: 2 });

const plain: readonly FilterFixture[] = [
  row('UDP over IPv4', ip(), 'passed'),
  row('UDP over IPv6', ip(V6), 'passed'),
  row('TCP over IPv4', ip({ protocol: 6, payload: SYN }), 'passed'),
  row('TCP over IPv6', ip({ ...V6, protocol: 6, payload: SYN }), 'passed'),
  row('TCP with options', ip({ protocol: 6, payload: tcp({ options: [2, 4, 5, 0xb4] }) }), 'passed'),
  row('TCP with 40 bytes of options', ip({ protocol: 6, payload: tcp({ options: Array(40).fill(1) }) }), 'passed'),
  row('ICMP echo', ip({ protocol: 1, payload: icmp(8) }), 'passed'),
  row('ICMPv6 echo', ip({ ...V6, protocol: 58, payload: icmp(128) }), 'passed'),
  row('an empty UDP datagram', ip({ payload: EMPTY }), 'passed'),
  row('the largest UDP datagram of a link', ip({ payload: udp(new Uint8Array(1472)) }), 'passed'),
  row('an unknown protocol over IPv4', ip({ protocol: 253, payload: new Uint8Array(4) }), 'passed'),
  row('an unknown protocol over IPv6', ip({ ...V6, protocol: 253, payload: new Uint8Array(4) }), 'passed'),
  row('an IPv4 packet of a header alone', ip({ protocol: 253, payload: new Uint8Array(0) }), 'passed'),
  row('an IPv6 packet of a header alone', ip({ ...V6, protocol: 59, payload: new Uint8Array(0) }), 'passed'),
  row('ICMP in IPv6 is no ICMP', ip({ ...V6, protocol: 1, payload: new Uint8Array(2) }), 'passed'),
  row('ICMPv6 in IPv4 is no ICMPv6', ip({ protocol: 58, payload: new Uint8Array(2) }), 'passed'),
  row('padding of a short frame', resized(ip({ payload: EMPTY }), 18), 'passed'),
  row('IPIP', ip({ protocol: 4, payload: ip().subarray(14) }), 'passed'),
  row('IPv6 in IPv4', ip({ protocol: 41, payload: ip(V6).subarray(14) }), 'passed'),
  row('GRE', ip({ protocol: 47, payload: bytes([0, 0, 8, 0], ip().subarray(14)) }), 'passed'),
];

const frames: readonly FilterFixture[] = [
  row('ARP', ethernet(0x0806, new Uint8Array(46)), 'notIp'),
  row('LLDP', ethernet(0x88cc, new Uint8Array(46)), 'notIp'),
  row('MPLS', ethernet(0x8847, new Uint8Array(46)), 'notIp'),
  row('PPPoE', ethernet(0x8864, new Uint8Array(46)), 'notIp'),
  row('a length in place of a type', ethernet(46, new Uint8Array(46)), 'notIp'),
  row('a VLAN tag', ip({}, [[0x8100, 7]]), 'passed'),
  row('a service tag', ip(V6, [[0x88a8, 7]]), 'passed'),
  row(
    'two tags',
    ip({}, [
      [0x88a8, 7],
      [0x8100, 8],
    ]),
    'passed',
  ),
  row('ARP behind a tag', ethernet(0x0806, new Uint8Array(46), [[0x8100, 7]]), 'notIp'),
  row(
    'three tags hide what is behind them',
    ip({}, [
      [0x88a8, 7],
      [0x8100, 8],
      [0x8100, 9],
    ]),
    'notIp',
  ),
  row('a frame of an Ethernet header alone', ethernet(0x0800, new Uint8Array(0)), 'dropMalformed'),
  row('a tag that is cut off', ethernet(0x8100, Uint8Array.of(0, 7)), 'dropMalformed'),
];

const malformedV4: readonly FilterFixture[] = [
  row('a version of 5', changed(ip(), { 0: 0x55 }), 'dropMalformed'),
  row('a header of four words', changed(ip(), { 0: 0x44 }), 'dropMalformed'),
  row('a header of no words', changed(ip(), { 0: 0x40 }), 'dropMalformed'),
  row('a header longer than the packet', changed(ip({ payload: EMPTY }), { 0: 0x4f }), 'dropMalformed'),
  row('a total length of zero', changed(ip(), { 2: [0, 0] }), 'dropMalformed'),
  row('a total length of less than its header', changed(ip(), { 2: [0, 19] }), 'dropMalformed'),
  row('a total length beyond the frame', changed(ip(), { 2: [0, 200] }), 'dropMalformed'),
  row('a total length of 65,535', changed(ip(), { 2: [255, 255] }), 'dropMalformed'),
  row('IPv6 by its type, IPv4 by its version', ethernet(0x86dd, ip().subarray(14)), 'dropMalformed'),
  row('IPv4 by its type, IPv6 by its version', ethernet(0x0800, ip(V6).subarray(14)), 'dropMalformed'),
];

const malformedV6: readonly FilterFixture[] = [
  row('a payload beyond the frame', changed(ip(V6), { 4: [1, 0] }), 'dropMalformed'),
  row('a payload of 65,535', changed(ip(V6), { 4: [255, 255] }), 'dropMalformed'),
  row('UDP that the payload length cuts off', changed(ip(V6), { 4: [0, 4] }), 'dropMalformed'),
  row('UDP behind no payload', changed(ip(V6), { 4: [0, 0] }), 'dropMalformed'),
];

const malformedTransport: readonly FilterFixture[] = [
  row('TCP of four words', changed(ip({ protocol: 6, payload: SYN }), { 32: 0x40 }), 'dropMalformed'),
  row('TCP of no words', changed(ip({ protocol: 6, payload: SYN }), { 32: 0 }), 'dropMalformed'),
  row(
    'TCP whose header ends behind the packet',
    changed(ip({ protocol: 6, payload: SYN }), { 32: 0x60 }),
    'dropMalformed',
  ),
  row('TCP that is cut off', ip({ protocol: 6, payload: SYN.subarray(0, 19) }), 'dropMalformed'),
  row('TCP of nothing', ip({ protocol: 6, payload: new Uint8Array(0) }), 'dropMalformed'),
  row('TCP over IPv6 that is cut off', ip({ ...V6, protocol: 6, payload: SYN.subarray(0, 19) }), 'dropMalformed'),
  row('UDP that is cut off', ip({ payload: EMPTY.subarray(0, 7) }), 'dropMalformed'),
  row('UDP of a length of zero', changed(ip(), { 24: [0, 0] }), 'dropMalformed'),
  row('UDP of a length of seven', changed(ip(), { 24: [0, 7] }), 'dropMalformed'),
  row('UDP longer than the packet', changed(ip(), { 24: [0, 27] }), 'dropMalformed'),
  row('UDP over IPv6 longer than the packet', changed(ip(V6), { 44: [0, 27] }), 'dropMalformed'),
  row('UDP shorter than the packet', changed(ip(), { 24: [0, 25] }), 'passed'),
  row('ICMP that is cut off', ip({ protocol: 1, payload: icmp(8).subarray(0, 7) }), 'dropMalformed'),
  row('ICMPv6 that is cut off', ip({ ...V6, protocol: 58, payload: icmp(128).subarray(0, 7) }), 'dropMalformed'),
];

const from = (source: string, destination = '203.0.113.10') => ip({ source, destination });
const from6 = (source: string, destination = V6.destination) => ip({ source, destination });

const martians: readonly FilterFixture[] = [
  ...[
    '127.0.0.1',
    '127.255.255.255',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '0.0.0.1',
    '0.0.0.0',
  ].map((source) => row(`from ${source}`, from(source), 'dropMartian')),
  ...['1.0.0.1', '10.0.0.1', '126.255.255.255', '128.0.0.0', '169.254.1.1', '192.0.2.1', '223.255.255.255'].map(
    (source) => row(`from ${source}`, from(source), 'passed'),
  ),
  row('DHCP of who has no address yet', from('0.0.0.0', '255.255.255.255'), 'passed'),
  row('from the target itself', from('203.0.113.10'), 'dropMartian'),
  ...['::1', '::2', '::ffff:192.0.2.1', 'ff02::1', 'ff0e::1', 'ffff::1', '::'].map((source) =>
    row(`from ${source}`, from6(source), 'dropMartian'),
  ),
  ...['fe80::1', 'fd00::1', '2001:db8::1', '64:ff9b::c000:201', '::1:0:0:0', '100::1'].map((source) =>
    row(`from ${source}`, from6(source), 'passed'),
  ),
  row(
    'neighbour discovery of who has no address yet',
    ip({ source: '::', destination: 'ff02::1:ff00:1', protocol: 58, payload: icmp(135) }),
    'passed',
  ),
  row('UDP of who has no address yet', ip({ source: '::', destination: 'ff02::1' }), 'dropMartian'),
  row('from the IPv6 target itself', from6(V6.destination), 'dropMartian'),
  row('martians that are let pass', from('127.0.0.1'), 'passed', { dropsMartians: 0 }),
];

/** Fields of IPv4: more fragments follow; this one begins at eight bytes. */
const MORE = 0x2000;
const LATER = 1;
const first = ip({ fragmentField: MORE, payload: udp(new Uint8Array(24)).fill(0, 8) });
const later = ip({ fragmentField: LATER, payload: new Uint8Array(24) });
const firstLong = changed(first, { 24: [5, 0] });
const fragment6 = (field: number, payload = udp(new Uint8Array(24))) =>
  withExtensions([[44, [...word(field), 0, 0, 0, 9]]], 17, payload);

const fragments: readonly FilterFixture[] = [
  row('a first fragment', first, 'passed'),
  row('a first fragment says the length of the whole', firstLong, 'passed'),
  row('a later fragment', later, 'passed'),
  row('a later fragment may be short', ip({ fragmentField: LATER, payload: new Uint8Array(1) }), 'passed'),
  row('a middle fragment', ip({ fragmentField: MORE | LATER, payload: new Uint8Array(24) }), 'passed'),
  row('“do not fragment” is none', ip({ fragmentField: 0x4000 }), 'passed', { fragments: Fragments.drop }),
  row('a first fragment, later ones dropped', first, 'passed', { fragments: Fragments.dropLater }),
  row('a later fragment, later ones dropped', later, 'dropFragment', { fragments: Fragments.dropLater }),
  row('a first fragment, all dropped', first, 'dropFragment', { fragments: Fragments.drop }),
  row('a later fragment, all dropped', later, 'dropFragment', { fragments: Fragments.drop }),
  row('a first fragment of IPv6', fragment6(1), 'passed'),
  row('a later fragment of IPv6', fragment6(8, new Uint8Array(5)), 'passed'),
  row('a fragment that is the whole (RFC 6946)', fragment6(0), 'passed'),
  row('a later fragment of IPv6, later ones dropped', fragment6(9), 'dropFragment', { fragments: Fragments.dropLater }),
  row('a first fragment of IPv6, all dropped', fragment6(1), 'dropFragment', { fragments: Fragments.drop }),
  row(
    'a first fragment whose transport header is cut off',
    ip({ fragmentField: MORE, payload: EMPTY.subarray(0, 7) }),
    'dropMalformed',
  ),
  row(
    'a first TCP fragment of eight bytes (RFC 1858)',
    ip({ fragmentField: MORE, protocol: 6, payload: SYN.subarray(0, 8) }),
    'dropMalformed',
  ),
];

const HOP = [0, [1, 4, 0, 0, 0, 0]] as const;
const OPTIONS_60 = [60, [1, 4, 0, 0, 0, 0]] as const;
const ROUTING = [43, [4, 0, 0, 0, 0, 0]] as const;
const AUTHENTICATION = [51, [0, 0, 0, 0, 0, 1, 0, 0, 0, 1]] as const;
const LONG = [60, Array(30).fill(0)] as const;

const options: readonly FilterFixture[] = [
  row('a router alert', withOptions([148, 4, 0, 0]), 'passed'),
  row('40 bytes of options', withOptions(Array(40).fill(1)), 'passed'),
  row('a source route', withOptions([131, 7, 4, 192, 0, 2, 1]), 'dropOptions', { dropsOptions: 1 }),
  row('TCP behind options', withOptions([1, 1, 1, 1], { protocol: 6, payload: SYN }), 'passed'),
  row(
    'TCP that options leave no room for',
    changed(withOptions([1, 1, 1, 1], { protocol: 6, payload: SYN }), { 2: [0, 43] }),
    'dropMalformed',
  ),
  row('hop-by-hop options', withExtensions([HOP]), 'passed'),
  row('destination options', withExtensions([OPTIONS_60]), 'passed'),
  row('a routing header', withExtensions([ROUTING]), 'passed'),
  row('an authentication header', withExtensions([AUTHENTICATION]), 'passed'),
  row('options of 32 bytes', withExtensions([LONG]), 'passed'),
  row('all of them', withExtensions([HOP, OPTIONS_60, ROUTING, AUTHENTICATION]), 'passed'),
  row('six of them', withExtensions([HOP, OPTIONS_60, OPTIONS_60, OPTIONS_60, OPTIONS_60, OPTIONS_60]), 'passed'),
  row(
    'seven of them',
    withExtensions([HOP, OPTIONS_60, OPTIONS_60, OPTIONS_60, OPTIONS_60, OPTIONS_60, OPTIONS_60]),
    'dropMalformed',
  ),
  row('TCP behind one', withExtensions([HOP], 6, SYN), 'passed'),
  row('TCP behind one, cut off', withExtensions([HOP], 6, SYN.subarray(0, 19)), 'dropMalformed'),
  row('one that ends behind the packet', changed(withExtensions([HOP]), { 41: 200 }), 'dropMalformed'),
  row('one that is cut off', ip({ ...V6, protocol: 0, payload: Uint8Array.of(17, 0, 1) }), 'dropMalformed'),
  row('one with nothing behind it', withExtensions([HOP], 59, new Uint8Array(0)), 'passed'),
  row('an extension header where none is wanted', withExtensions([HOP]), 'dropOptions', { dropsOptions: 1 }),
  row('none where none is wanted', ip(V6), 'passed', { dropsOptions: 1 }),
  row('no options where none are wanted', ip(), 'passed', { dropsOptions: 1 }),
];

export const FILTER_FIXTURES: Readonly<Record<string, readonly FilterFixture[]>> = {
  'plain packets': plain,
  frames,
  'malformed IPv4': malformedV4,
  'malformed IPv6': malformedV6,
  'malformed transport headers': malformedTransport,
  martians,
  fragments,
  'options and extension headers': options,
};
