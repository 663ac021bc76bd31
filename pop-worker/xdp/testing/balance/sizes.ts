import { udp } from '#protocol/ip/testing/packets.ts';
import { bytes, ip, withIcmpSum, word } from '../frames.ts';
import { about, answer } from './errors.ts';
import { type BalanceFixture, row, S1, S6, to, V4, V6 } from './fixture.ts';

/** What is told to who sent too large a packet. @param quoted bytes of it */
const tooBig = (frame: Uint8Array, mtu: number): Uint8Array => {
  const isV6 = frame[12] === 0x86;
  const head = isV6 ? [2, 0, 0, 0, 0, 0, ...word(mtu)] : [3, 4, 0, 0, 0, 0, ...word(mtu)];
  const payload = bytes(head, frame.subarray(14, 14 + (isV6 ? 1024 : 512)));
  const [source, destination] = isV6 ? [S6, V6] : [S1, V4];
  const built = ip({ source, destination, protocol: isV6 ? 58 : 1, payload, id: 0, hopLimit: 64 });
  const out = bytes(frame.subarray(6, 12), frame.subarray(0, 6), built.subarray(12));
  return isV6 ? out : withIcmpSum(out);
};

const DF = { fragmentField: 0x4000 } as const;
const large = (bytesOfData: number) => ({ payload: udp(new Uint8Array(bytesOfData).fill(0xa5)) });
export const sizes: readonly BalanceFixture[] = [
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
