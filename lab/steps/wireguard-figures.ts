import type { Measurement } from '#telemetry/measurement.ts';
import { FigureError } from '../errors.ts';
import type { Reply } from '../ping.ts';

/** As for all that a killed PoP leaves behind. */
const MOST_MS = 5000;
/** The last answer before the fault is not older. */
const RECENT_MS = 500;

/** What became of attempts at a device, by ping and by TCP. */
export interface Attempts {
  /** Pings that were sent. */
  readonly pings: number;
  /** …that were answered. */
  readonly answered: number;
  /** …that came to the device at the other end. */
  readonly heard: number;
  /** Requests over TCP that were answered. */
  readonly requests: number;
}

/**
 * The same attempts by somebody who may not, and by somebody who may: without the second nobody knows whether the first failed for
 * what a tenant is.
 *
 * @param dropped that the stranger's worker counted meanwhile
 */
export const isolationFigures = (stranger: Attempts, neighbour: Attempts, dropped: number): Measurement[] => {
  const count = (metric: string, value: number, bar: Measurement['bar']): Measurement => ({
    ...{ metric, value, unit: 'count' },
    ...(bar && { bar }),
  });
  return [
    count('other_tenant_dropped', dropped, { atLeast: stranger.pings }),
    count('other_tenant_heard', stranger.heard, { atMost: 0 }),
    count('other_tenant_answered', stranger.answered + stranger.requests, { atMost: 0 }),
    count('same_tenant_heard', neighbour.heard, { atLeast: neighbour.pings }),
    count('same_tenant_answered', neighbour.answered + neighbour.requests, { atLeast: neighbour.pings + 1 }),
  ];
};

/**
 * What a client that goes on asking notices of a fault: the longest silence around or after it, and how long after the fault
 * that ends. What was answered for a moment yet, as a process that is killed takes its time, is not its end.
 *
 * @param atMs of the fault, in ms since 1970
 * @param begun handshakes that the client has begun since by itself
 * @throws FigureError where it was not answered before, or is not any more
 */
export const failoverFigures = (replies: readonly Reply[], atMs: number, begun: number): Measurement[] => {
  const times = replies.map((reply) => reply.atMs).sort((a, b) => a - b);
  const before = times.filter((time) => time <= atMs).at(-1);
  const own: Measurement = { metric: 'wireguard_own_handshakes', value: begun, unit: 'count', bar: { atMost: 0 } };
  if (before === undefined || atMs - before > RECENT_MS)
    throw new FigureError('The WireGuard client reached nobody before its PoP was killed.', [own]);
  let silence = { lengthMs: 0, endMs: Number.NaN };
  for (const [i, endMs] of times.entries()) {
    const lengthMs = endMs - (times[i - 1] ?? endMs);
    if (endMs > atMs && lengthMs > silence.lengthMs) silence = { lengthMs, endMs };
  }
  if (!(silence.endMs > atMs))
    throw new FigureError('The WireGuard client reached nobody any more after its PoP was killed.', [own]);
  const ms = (metric: string, value: number): Measurement => ({
    ...{ metric, value: Math.round(value), unit: 'ms', bar: { atMost: MOST_MS } },
  });
  return [ms('wireguard_next_pop', silence.endMs - atMs), ms('wireguard_longest_silence', silence.lengthMs), own];
};
