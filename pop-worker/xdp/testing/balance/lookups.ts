import { changed, withExtensions } from '../frames.ts';
import { type BalanceFixture, each, row, S1, SYN, to, V6 } from './fixture.ts';
import { B9, inIp, label } from './ways.ts';

const NEXT = { source: V6 } as const;
const later = { fragmentField: 3, payload: new Uint8Array(16) } as const;
const first = { fragmentField: 0x2000 } as const;
export const fragments: readonly BalanceFixture[] = [
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

export const lookups: readonly BalanceFixture[] = [
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
