import type { Measurement } from '#telemetry/measurement.ts';
import type { Fault } from './faults.ts';
import { longestGap, percentile, wasFlowing } from './gaps.ts';
import { type Arrivals, DESTINATIONS, DIRECTIONS } from './order.ts';
import type { Client, Observation } from './scene.ts';

/** A stream whose last packet before the fault is older did not flow; one whose last packet at all is, never came back. */
const PATIENCE_MS = 500;
const LOST_AFTER_MS = 2000;

/** How one client fared in one run. */
export interface Fate {
  readonly client: Client;
  /** The stream flowed and the connection was open before; else nothing can be said of it. */
  readonly wasWell: boolean;
  readonly gapMs: number;
  readonly isBack: boolean;
  readonly isConnected: boolean;
}

/** Arrivals at those ends that the client's stream is received at. */
const receivedOf = ({ id, direction }: Client, { near, far }: Observation): (Arrivals | undefined)[] => {
  const up = far.map(({ arrivals }) => arrivals[id]).find((arrivals) => arrivals !== undefined);
  return { up: [up], down: [near.arrivals[id]], both: [up, near.arrivals[id]] }[direction];
};

export const fatesOf = (seen: Observation): Fate[] =>
  seen.clients.map((client) => {
    const received = receivedOf(client, seen);
    const { from, until } = seen;
    const connection = seen.near.connections[client.id];
    const last = connection?.last ?? 0;
    const flowed = received.every((arrivals) => wasFlowing(arrivals, from, PATIENCE_MS));
    const gaps = received.map((arrivals) =>
      arrivals === undefined ? until - from : longestGap(arrivals, from, until),
    );
    return {
      client,
      wasWell: flowed && last > 0,
      gapMs: Math.max(...gaps),
      isBack: received.every((arrivals) => arrivals !== undefined && until - arrivals.last < LOST_AFTER_MS),
      isConnected: connection?.ended === undefined && until - last < LOST_AFTER_MS,
    };
  });

const ms = (values: readonly number[], share: number): number => Math.round(percentile(values, share));

/** Of all clients and runs together. */
export const figuresOf = (observations: readonly Observation[], { bars, clientsAct = true }: Fault): Measurement[] => {
  const all = observations.flatMap(fatesOf);
  const well = all.filter(({ wasWell }) => wasWell);
  const runs = observations.length;
  const count = (metric: string, value: number, bar?: Measurement['bar']): Measurement => ({
    ...{ metric, value, unit: 'count', runs },
    ...(bar && { bar }),
  });
  const stall = Math.max(...observations.flatMap(({ near, far }) => [near, ...far].map((seen) => seen.ownStallMs)));
  const handshakes = observations.reduce((sum, { handshakes: each }) => sum + each, 0);
  const lost = (fates: readonly Fate[]): number => fates.filter(({ isConnected }) => !isConnected).length;
  const gapsOf = (fates: readonly Fate[]): number[] => fates.map(({ gapMs }) => gapMs);
  const parts = DESTINATIONS.flatMap((destination) => {
    const ofThese = well.filter(({ client }) => client.destination === destination);
    const directions = DIRECTIONS.flatMap((direction) => {
      const gaps = gapsOf(ofThese.filter(({ client }) => client.direction === direction));
      if (gaps.length === 0) return [];
      return [0.5, 0.99].map((share) => ({
        ...{
          metric: `interruption_${destination}_${direction}_p${share * 100}`,
          value: ms(gaps, share),
          unit: 'ms',
          runs,
        },
      }));
    });
    return [
      count(`clients_${destination}`, ofThese.length),
      count(`connections_lost_${destination}`, lost(ofThese)),
      count(`never_back_${destination}`, ofThese.filter(({ isBack }) => !isBack).length),
      ...directions,
    ];
  });
  const interruption = (share: number, atMost: number): Measurement => ({
    ...{ metric: `interruption_p${share * 100}`, value: ms(gapsOf(well), share), unit: 'ms', runs, bar: { atMost } },
  });
  return [
    count('clients', well.length),
    count('not_flowing_before', all.length - well.length, { atMost: 0 }),
    count('connections_lost', lost(well), { atMost: 0 }),
    ...(well.length === 0 ? [] : [interruption(0.5, bars.p50), interruption(0.99, bars.p99)]),
    ...(clientsAct ? [] : [count('own_handshakes', handshakes, { atMost: 0 })]),
    ...parts,
    { metric: 'own_stall', value: Math.round(stall), unit: 'ms', runs },
  ];
};
