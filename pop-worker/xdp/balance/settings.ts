import { tickUs } from '#host/clock/clock.ts';
import type { FrontSettings } from '../front.ts';
import { ConnectionState, Settings } from '../gen/front.ts';
import type { ServiceWanted } from './wanted.ts';

/** In a line of the table, as bpf/include/connection.h has it. */
const WAYS = 8;

/** After how many silent seconds a connection may lose its place: up to half a day. */
export type Timeouts = Readonly<Record<keyof typeof ConnectionState, number>>;

export interface BalanceOptions {
  /** That the table has places for: a power of two. */
  readonly connections: number;
  readonly timeouts: Timeouts;
  readonly answersEcho: boolean;
  /** Bits of ticks that a unit of time has; absent: so many that it has some two seconds. */
  readonly timeShift?: number;
}

export const linesOf = ({ connections }: Pick<BalanceOptions, 'connections'>): number => connections / WAYS;

/** What a unit of time is at least: 16 bits of them go round in more than a day. */
const UNIT_US = 1_500_000;

/** Of ticks: as many bits as a unit has. */
const usualShift = (): number => Math.ceil(Math.log2(UNIT_US / tickUs()));

const unitsOf = (timeouts: Timeouts, shift: number): Uint8Array => {
  const units = new Uint32Array(Settings.places.timeouts.bytes / 4);
  for (const [name, seconds] of Object.entries(timeouts) as [keyof Timeouts, number][])
    units[ConnectionState[name]] = Math.max(1, Math.ceil((seconds * 1e6) / (tickUs() * 2 ** shift)));
  return new Uint8Array(units.buffer);
};

/** Settings of the program for its balancer. @param services what of them it has to look for */
export const balanceSettings = (options: BalanceOptions, services: readonly ServiceWanted[]): FrontSettings => ({
  ...{ connectionLines: linesOf(options), timeShift: options.timeShift ?? usualShift() },
  timeouts: unitsOf(options.timeouts, options.timeShift ?? usualShift()),
  ...{ hasServices: Number(services.length > 0), answersEcho: Number(options.answersEcho) },
  hasAnyPort: Number(services.some(({ port }) => port === 0)),
  hasServicePrefixes: Number(services.some(({ prefix }) => prefix.length < prefix.address.length * 8)),
  hasQuic: Number(services.some(({ isQuic }) => isQuic)),
});
