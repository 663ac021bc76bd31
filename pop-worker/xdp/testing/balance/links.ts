import { udp } from '#protocol/ip/testing/packets.ts';
import { bytes, ip, resized } from '../frames.ts';
import { relinked } from '../outer.ts';
import { type BalanceFixture, each, row, S1, to, V4 } from './fixture.ts';
import { B1, inIp } from './ways.ts';

export const neighbours: readonly BalanceFixture[] = [
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

const withTags = (frame: Uint8Array, more: readonly number[]): Uint8Array =>
  bytes(frame.subarray(0, 12), more, frame.subarray(12));

const tagged = (tags: Parameters<typeof ip>[1]): Uint8Array => ip({ source: V4, destination: S1 }, tags);
const TAG = [0x81, 0, 0, 7];
export const tags: readonly BalanceFixture[] = [
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
