import { type PacketOptions, tcp, udp } from '#protocol/ip/testing/packets.ts';
import { bytes, changed, icmp, ip, word } from '../frames.ts';
import { packetOf } from '../outer.ts';
import { type BalanceFixture, each, row, S1, S6, TCP_PORTS, to, UDP_PORTS, V4, V6 } from './fixture.ts';
import { B1, B2, B4, B5, inIp, label } from './ways.ts';

/** An error that a router on the way sent about an answer of the service. */
export const about = (
  inner: Uint8Array,
  type: number,
  code: number,
  more: PacketOptions = {},
  quoted = 28,
): Uint8Array => {
  const packet = packetOf(inner);
  const isV6 = (packet[0] as number) >>> 4 === 6;
  const payload = bytes([type, code, 0, 0, 0, 0, 5, 0], packet.subarray(0, isV6 ? quoted + 20 : quoted));
  const [source, destination] = isV6 ? ['2001:db8:ffff::1', S6] : ['198.18.7.7', S1];
  return ip({ source, destination, protocol: isV6 ? 58 : 1, payload, ...more });
};

/** What a service answers with: ports the other way round. */
export const answer = (source: string, protocol: 6 | 17 = 17, more: PacketOptions = {}): Uint8Array => {
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

export const errors: readonly BalanceFixture[] = [
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
