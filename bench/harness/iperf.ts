import { debianPeers } from '#scripts/setup/debian-peers.mjs';
import type { ProgramSpec } from './program.ts';

export const PORT = 5201;

/** The part of `iperf3 --json` that counts. */
type Report = {
  readonly error?: string;
  readonly end?: {
    readonly sum_received?: { readonly bits_per_second?: number };
    readonly sum?: { readonly packets?: number; readonly lost_packets?: number; readonly seconds?: number };
  };
};

/** What arrived at the receiver of a TCP test, in Gbit/s. @throws an Error when the test did not work */
export const goodputOf = (report: string): number => {
  const { error, end } = JSON.parse(report) as Report;
  if (error !== undefined) throw new Error(`iperf3: ${error}`);
  const bits = end?.sum_received?.bits_per_second;
  if (bits === undefined || !(bits > 0)) throw new Error('iperf3 reports nothing received.');
  return bits / 1e9;
};

const iperf = async (name: string, args: readonly string[]): Promise<ProgramSpec> => {
  const { programs, libraries } = await debianPeers();
  return { name, command: programs.iperf3, args, env: { LD_LIBRARY_PATH: libraries } };
};

/** Serves tests until it is stopped. */
export const iperfServer = async (address: string): Promise<ProgramSpec> => ({
  ...(await iperf('iperf3 server', ['--server', '--bind', address, '--port', String(PORT)])),
  listens: { protocol: 'tcp', port: PORT },
});

/** One TCP connection with CUBIC, whichever controller this machine prefers, that sends to the client. */
export const iperfCubic = (address: string, seconds: number): Promise<ProgramSpec> =>
  iperf('iperf3 CUBIC', [
    ...['--client', address, '--port', String(PORT), '--time', String(seconds), '--json'],
    ...['--reverse', '--congestion', 'cubic'],
  ]);

/** One TCP connection for so many seconds; its stdout is a report for `goodputOf`. */
export const iperfClient = (address: string, seconds: number, way: 'up' | 'down'): Promise<ProgramSpec> =>
  iperf(`iperf3 ${way}`, [
    ...['--client', address, '--port', String(PORT), '--time', String(seconds), '--omit', '1', '--json'],
    ...(way === 'down' ? ['--reverse'] : []),
  ]);

/** Datagrams of one size at a steady rate for so many seconds; its stdout is a report for `datagramsOf`. */
export const iperfDatagrams = (
  address: string,
  bytes: number,
  perSecond: number,
  seconds: number,
): Promise<ProgramSpec> =>
  iperf('iperf3 UDP', [
    ...['--client', address, '--port', String(PORT), '--time', String(seconds), '--json', '--udp'],
    ...['--length', String(bytes), '--bitrate', String(Math.round(8 * bytes * perSecond))],
  ]);

/** What was sent and arrived in a test of datagrams. @throws an Error when the test did not work */
export const datagramsOf = (report: string): { readonly perSecond: number; readonly lost: number } => {
  const { error, end } = JSON.parse(report) as Report;
  if (error !== undefined) throw new Error(`iperf3: ${error}`);
  const { packets = 0, lost_packets: lost = 0, seconds = 0 } = end?.sum ?? {};
  if (packets === 0 || seconds === 0) throw new Error('iperf3 reports nothing sent.');
  return { perSecond: (packets - lost) / seconds, lost: lost / packets };
};
