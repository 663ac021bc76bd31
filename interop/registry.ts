import type { SuiteRow } from '#bench/suite.ts';

/** Suites of `cloudbridge interop`: against other implementations. A new suite is a file here and a row. */
export const INTEROP_SUITES: readonly SuiteRow[] = [];
