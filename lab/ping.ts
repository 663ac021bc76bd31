import type { Measurement } from '#telemetry/measurement.ts';
import { LabError } from './errors.ts';
import type { Lab } from './lab.ts';

const COUNT = 20;
// Links of the lab have no delay: what takes this long waits for something that should not be there.
const MOST_RTT_US = 100_000;

/** Reads the summary of iputils' ping. */
export const parsePing = (text: string): { received: number; minUs: number; meanUs: number; maxUs: number } => {
  const received = /, (\d+) received/.exec(text)?.[1];
  const rtt = /= ([\d.]+)\/([\d.]+)\/([\d.]+)/.exec(text);
  if (received === undefined || rtt === null) throw new LabError(`ping printed no summary: ${text.trim()}`);
  const [minUs, meanUs, maxUs] = rtt.slice(1, 4).map((ms) => Math.round(Number(ms) * 1000));
  return { received: Number(received), minUs: minUs!, meanUs: meanUs!, maxUs: maxUs! };
};

/** Share that may be lost in a tunnel: what is sent in a datagram is not sent again (RFC 9221 §5), so one of twenty. */
export const TUNNEL_LOSS = 0.05;

/**
 * Round-trip time and loss between a host of the lab and an address; `suffix` tells several apart.
 *
 * @param mostLoss share that may be lost: none over plain links
 */
export const ping = async (
  lab: Lab,
  host: string,
  address: string,
  suffix: string,
  mostLoss = 0,
): Promise<Measurement[]> => {
  const text = await lab.exec(host, 'ping', ['-q', '-n', '-c', `${COUNT}`, '-i', '0.01', '-W', '2', address]);
  const { received, minUs, meanUs, maxUs } = parsePing(text);
  return [
    {
      metric: `rtt_${suffix}`,
      value: meanUs,
      unit: 'us',
      runs: COUNT,
      min: minUs,
      max: maxUs,
      bar: { atMost: MOST_RTT_US },
    },
    { metric: `loss_${suffix}`, value: (COUNT - received) / COUNT, unit: 'ratio', bar: { atMost: mostLoss } },
  ];
};
