import { tickUs } from '#host/clock/clock.ts';
import type { FrontSettings } from '../front.ts';
import { ConnectionState, Settings } from '../gen/front.ts';
import type { ServiceWanted } from './wanted.ts';

/** In a line of the table, as bpf/include/connection.h has it. */
const WAYS = 8;

/** After how many silent seconds a connection may lose its place. */
export type Timeouts = Readonly<Record<Exclude<keyof typeof ConnectionState, 'free'>, number>>;

export interface BalanceOptions {
  /** That the table has places for: a power of two. */
  readonly connections: number;
  readonly timeouts: Timeouts;
  readonly answersEcho: boolean;
}

export const linesOf = ({ connections }: Pick<BalanceOptions, 'connections'>): number => connections / WAYS;

const ticksOf = (timeouts: Timeouts): Uint8Array => {
  const ticks = new Uint32Array(Settings.places.timeouts.bytes / 4);
  for (const [name, seconds] of Object.entries(timeouts) as [keyof Timeouts, number][])
    ticks[ConnectionState[name] & 3] = Math.max(1, Math.round((seconds * 1e6) / tickUs()));
  return new Uint8Array(ticks.buffer);
};

/** Settings of the program for its balancer. @param services what of them it has to look for */
export const balanceSettings = (options: BalanceOptions, services: readonly ServiceWanted[]): FrontSettings => ({
  ...{ connectionLines: linesOf(options), timeouts: ticksOf(options.timeouts) },
  ...{ hasServices: Number(services.length > 0), answersEcho: Number(options.answersEcho) },
  hasAnyPort: Number(services.some(({ port }) => port === 0)),
  hasServicePrefixes: Number(services.some(({ prefix }) => prefix.length < prefix.address.length * 8)),
  hasQuic: Number(services.some(({ isQuic }) => isQuic)),
});
