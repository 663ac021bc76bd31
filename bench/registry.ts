import type { SuiteRow } from './suite.ts';

/** Suites of `cloudbridge bench`. A new suite is a file in `suites/` and a row. */
export const BENCH_SUITES: readonly SuiteRow[] = [
  {
    name: 'lab',
    summary: 'how fast the lab comes and goes, and what its plain links carry: the base for every tunnel',
    load: async () => (await import('./suites/lab.ts')).cases,
  },
];
