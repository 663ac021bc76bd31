import type { LinkReport } from '#lab/link/record.ts';
import { PacketType } from '#protocol/quic/wire/packet/packet-type.ts';
import { type Bar, meetsBar } from '#telemetry/measurement.ts';
import type { Evidence } from './evidence.ts';

export type Measured = { readonly value: number; readonly unit: string; readonly bars?: readonly Bar[] };

/** @param carried what the link brought to the client since its first packet: bytes of whole IP packets, by sender */
export type Figure = (evidence: Evidence, carried: LinkReport['bytes']) => Measured;

/** From the server's first 1-RTT packet to its last, as they come to the client. */
const secondsOf = ({ atClient }: Evidence): number => {
  const came = atClient.from('server').filter(({ packets }) => packets.some(({ type }) => type === PacketType.oneRtt));
  const [first, last] = [came[0], came.at(-1)];
  if (first === undefined || last === undefined || first === last) throw new Error('The server sent nothing.');
  return (last.atUs - first.atUs) / 1e6;
};

/** Bits of a file by the time that its packets took. */
export const goodput =
  (fileBytes: number): Figure =>
  (evidence) => ({
    value: (8 * fileBytes) / secondsOf(evidence) / 1e6,
    unit: 'Mbit/s',
    bars: [{ atLeast: 9.3 }],
  });

/** QUIC's part of what the link carried. Where the peer sends, it is the peer's controller that is seen. */
export const share: Figure = ({ weAre }, carried) => {
  const of = (transport: string): number =>
    Object.entries(carried).reduce((sum, [sender, bytes]) => sum + (sender.startsWith(transport) ? bytes : 0), 0);
  if (of('tcp/') === 0) throw new Error('TCP sent nothing.');
  return {
    value: of('udp/') / (of('udp/') + of('tcp/')),
    unit: 'ratio',
    ...(weAre === 'server' && { bars: [{ atLeast: 0.35 }, { atMost: 0.65 }] }),
  };
};

/** @returns what is wrong with a figure; undefined: nothing */
export const misses = ({ value, unit, bars = [] }: Measured): string | undefined => {
  const missed = bars.find((bar) => !meetsBar(value, bar));
  if (missed === undefined) return undefined;
  const bar = 'atMost' in missed ? `at most ${missed.atMost}` : `at least ${missed.atLeast}`;
  return `${value.toPrecision(3)} ${unit}, ${bar} is wanted.`;
};
