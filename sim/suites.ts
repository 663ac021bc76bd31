import type { Measurement } from '#telemetry/measurement.ts';

/** One scenario. The same seed gives the same figures. */
export type SimCase = {
  readonly name: string;
  readonly summary: string;
  run(seed: number): Measurement[] | Promise<Measurement[]>;
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
];
