import type { PacketOptions } from '#protocol/ip/testing/packets.ts';
import { bytes, icmp, ip, withIcmpSum } from '../frames.ts';
import { type BalanceFixture, row, S1, S6, to, V4, V6 } from './fixture.ts';

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
  return isV6 ? frame : withIcmpSum(frame);
};

const answered = (frame: Uint8Array): Uint8Array => {
  const isV6 = frame[12] === 0x86;
  const out = turned(frame);
  const { source, destination } = isV6 ? { source: S6, destination: V6 } : { source: S1, destination: V4 };
  const payload = out.slice(isV6 ? 54 : 34);
  payload[0] = isV6 ? 129 : 0;
  const built = ip({ source, destination, protocol: isV6 ? 58 : 1, payload, hopLimit: 64 });
  const whole = bytes(out.subarray(0, 14), built.subarray(14));
  return isV6 ? whole : withIcmpSum(whole);
};

export const echoes: readonly BalanceFixture[] = [
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
