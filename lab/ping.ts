import type { Measurement } from '#telemetry/measurement.ts';
import { LabError } from './errors.ts';
import type { Lab } from './lab.ts';

/** How many pings are looked at. */
export const COUNT = 20;
const PATIENCE_SECONDS = 3;
const FIRST_ANSWER_SECONDS = 10;
// Links of the lab have no delay: what takes this long waits for something that should not be there.
const MOST_RTT_US = 100_000;

/** One answer to a ping. */
export interface Reply {
  /** Counts the pings from one. */
  readonly sequence: number;
  readonly rttUs: number;
  /** When it came, in ms since 1970; NaN without `ping -D`. */
  readonly atMs: number;
}

/** Reads the answers that iputils' ping printed, each once. */
export const parseReplies = (text: string): Reply[] => {
  const lines = text.matchAll(/^(?:\[([\d.]+)\] )?\d+ bytes from .* icmp_seq=(\d+) .*time=([\d.]+) ms$/gm);
  return Array.from(lines, ([, at, sequence, ms]) => ({
    sequence: Number(sequence),
    rttUs: Math.round(Number(ms) * 1000),
    atMs: Number(at) * 1000,
  }));
};

/**
 * Round-trip time and loss between a host of the lab and an address; `suffix` tells several apart.
 *
 * Of what ping sends, the first COUNT are looked at. It is asked to go on until so many answers have come (`-w`): with
 * `-c` alone it waits for the last one only as long as twice the longest round trip so far, so that an answer which
 * comes 20 ms late would be taken for lost.
 */
export const ping = async (lab: Lab, host: string, address: string, suffix: string): Promise<Measurement[]> => {
  const text = await lab.exec(host, 'ping', [
    '-n',
    '-c',
    `${COUNT}`,
    '-i',
    '0.01',
    '-w',
    `${PATIENCE_SECONDS}`,
    address,
  ]);
  const replies = parseReplies(text).filter(({ sequence }) => sequence <= COUNT);
  if (replies.length === 0) throw new LabError(`None of ${COUNT} pings was answered: ${text.trim()}`);
  return roundTripFigures(replies, COUNT, suffix);
};

/** How many of so many pings are answered. */
export const answersTo = async (lab: Lab, host: string, address: string, count: number): Promise<number> => {
  const args = ['-q', '-n', '-c', `${count}`, '-i', '0.01', '-W', '1', address];
  const said = await lab.exec(host, 'ping', args).catch((error: LabError) => error.message);
  const answered = /, (\d+) received/.exec(said)?.[1];
  if (answered === undefined) throw new LabError(`ping does not say how many answers came: ${said}`);
  return Number(answered);
};

/**
 * Pings on until one is answered; ping itself ends at the first ICMP error, which who is on the way may give. Throws a
 * `LabError` if none is for as long as somebody waits.
 */
export const firstAnswer = async (lab: Lab, host: string, address: string): Promise<void> => {
  const args = ['-q', '-n', '-c', '1', '-i', '0.01', '-w', `${FIRST_ANSWER_SECONDS}`, address];
  for (const start = performance.now(); ; ) {
    try {
      await lab.exec(host, 'ping', args);
      return;
    } catch (error) {
      if (performance.now() - start > FIRST_ANSWER_SECONDS * 1000) throw error;
    }
  }
};

/** Round-trip time and loss of what was sent so many times and answered at least once. */
export const roundTripFigures = (replies: readonly Reply[], count: number, suffix: string): Measurement[] => {
  const rtts = replies.map(({ rttUs }) => rttUs);
  return [
    {
      metric: `rtt_${suffix}`,
      value: Math.round(rtts.reduce((sum, rtt) => sum + rtt, 0) / rtts.length),
      unit: 'us',
      runs: count,
      min: Math.min(...rtts),
      max: Math.max(...rtts),
      bar: { atMost: MOST_RTT_US },
    },
    { metric: `loss_${suffix}`, value: (count - replies.length) / count, unit: 'ratio', bar: { atMost: 0 } },
  ];
};
