import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../setup/paths.mjs';
import type { SkippedTest } from './skip-reporter.ts';

type Row = { readonly kind: string; readonly name: string; readonly reason: string };

/** Skipped tests that no row of the committed table allows. */
export const unexpectedSkips = (skipped: readonly SkippedTest[]): SkippedTest[] => {
  const table = JSON.parse(readFileSync(path.join(root, 'scripts/test/allowed-skips.json'), 'utf8')) as Row[];
  const rows = table.filter(({ kind }) => kind === 'test');
  return skipped.filter(
    ({ name, reason }) => !rows.some((row) => row.name === name && new RegExp(row.reason).test(reason)),
  );
};
