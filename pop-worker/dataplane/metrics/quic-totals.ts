import { controllerNames } from '#protocol/congestion/registry.ts';
import type { Connection } from '#protocol/quic/connection.ts';
import { connectionCounters } from '#protocol/quic/counters.ts';
import type { Endpoint } from '#protocol/quic/endpoint.ts';

const zero = () => ({
  ...connectionCounters(),
  packetsLost: 0,
  spuriousLosses: 0,
  probeTimeouts: 0,
  ecnCe: 0,
  ecnCapable: 0,
  ecnFailed: 0,
  queueFull: 0,
});

export type QuicTotals = ReturnType<typeof zero>;

const COUNTERS = Object.keys(connectionCounters()) as (keyof ReturnType<typeof connectionCounters>)[];

/** Of what recovery counts. */
const RECOVERED = ['packetsLost', 'spuriousLosses', 'probeTimeouts', 'ecnCe', 'ecnCapable', 'ecnFailed'] as const;

const add = (totals: QuicTotals, { parts }: Connection): void => {
  for (const name of COUNTERS) totals[name] += parts.counters[name];
  const { stats } = parts.recovery;
  for (const name of RECOVERED) totals[name] += stats[name];
  totals.queueFull += parts.datagrams.refused;
};

/** What all connections of an endpoint have counted since it was made. */
export class QuicCounting {
  readonly #endpoint: Endpoint;
  /** Of connections that are over. */
  readonly #past = zero();

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
    endpoint.onForgotten = (connection) => {
      add(this.#past, connection);
    };
  }

  /** Connections by the name of their path's congestion controller; those that nobody uses are there too. */
  byController(): Record<string, number> {
    const count = Object.fromEntries(controllerNames().map((name) => [name, 0]));
    this.#endpoint.forEach(({ parts }) => {
      const { name } = parts.recovery.controller;
      count[name] = (count[name] ?? 0) + 1;
    });
    return count;
  }

  totals(): QuicTotals {
    const totals = { ...this.#past };
    totals.droppedClosed += this.#endpoint.counters.droppedClosed;
    this.#endpoint.forEach((connection) => {
      add(totals, connection);
    });
    return totals;
  }
}
