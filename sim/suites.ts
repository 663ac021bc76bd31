import type { Measurement } from '#telemetry/measurement.ts';

/** One scenario. The same seed gives the same figures. */
export type SimCase = {
  readonly name: string;
  readonly summary: string;
  /** @param trace is told what happens, a line at a time, where a scenario can tell */
  run(seed: number, trace?: (line: string) => void): Measurement[] | Promise<Measurement[]>;
};

/** A row of the registry. The suite's code is loaded when it is asked for. */
export type SimSuite = {
  readonly name: string;
  readonly summary: string;
  load(): Promise<readonly SimCase[]>;
};

/** Suites of `cloudbridge sim`. A new suite is a file and a row. */
export const SIM_SUITES: readonly SimSuite[] = [
  {
    name: 'bbr',
    summary: 'BBRv3 in the QUIC core over emulated bottlenecks, beside CUBIC',
    load: async () => (await import('./bbr/cases.ts')).cases,
  },
  {
    name: 'bbr-faults',
    summary: 'BBRv3 put wrong on purpose, one thing at a time: a scenario of `bbr` must turn red',
    load: async () => (await import('./bbr/faults/cases.ts')).cases,
  },
  {
    name: 'anycast',
    summary: 'dozens of PoPs and thousands of clients over the mesh: partitions, flaps, lost state',
    load: async () => (await import('./anycast/cases.ts')).cases,
  },
  {
    name: 'anycast-faults',
    summary: 'the cores put wrong on purpose, one thing at a time: a rule of `anycast` must be broken',
    load: async () => (await import('./anycast/broken/cases.ts')).cases,
  },
  {
    name: 'anycast-scale',
    summary: 'what the mesh of 24 to 300 workers costs each, and how soon all know something',
    load: async () => (await import('./anycast/scale/cases.ts')).cases,
  },
  {
    name: 'wireguard',
    summary: 'two WireGuard cores over a hostile network for 24 hours: nothing is stuck, nothing replayed is taken',
    load: async () => (await import('./wireguard/cases.ts')).cases,
  },
  {
    name: 'wireguard-faults',
    summary: 'the WireGuard core put wrong on purpose, one thing at a time: a rule of `wireguard` must be broken',
    load: async () => (await import('./wireguard/broken/cases.ts')).cases,
  },
];
