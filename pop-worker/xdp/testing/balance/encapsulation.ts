import { tcp, udp } from '#protocol/ip/testing/packets.ts';
import { changed, withExtensions, withOptions } from '../frames.ts';
import { type BalanceFixture, each, row, S1, S6, SYN, to, V4, V6 } from './fixture.ts';
import { B1, B2, B3, B4, B5, inIp, label, port } from './ways.ts';

export const v4In4 = each(
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

export const tcpIn4 = each(
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

export const mixed: readonly BalanceFixture[] = [
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

export const traffic: readonly BalanceFixture[] = [
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
