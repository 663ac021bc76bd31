import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '#scripts/setup/paths.mjs';

type AllowedSkip = {
  readonly kind: string;
  /** `SUITE/CASE`, or `SUITE/*` for all of a suite. */
  readonly name: string;
  readonly reason: string;
  /** CI has to have what is missing. */
  readonly notInCi?: true;
};

const names = (pattern: string, name: string): boolean =>
  pattern.endsWith('/*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;

/**
 * Whether the committed table allows that this case of a suite is skipped for this reason.
 *
 * @param ci what the variable `CI` says
 */
export const isAllowedSkip = (kind: string, name: string, reason: string, ci = process.env['CI'] ?? ''): boolean => {
  const inCi = !['', '0', 'false'].includes(ci);
  const table = readFileSync(path.join(root, 'scripts/test/allowed-skips.json'), 'utf8');
  return (JSON.parse(table) as AllowedSkip[]).some(
    (row) =>
      row.kind === kind &&
      names(row.name, name) &&
      new RegExp(row.reason).test(reason) &&
      !(inCi && row.notInCi === true),
  );
};
