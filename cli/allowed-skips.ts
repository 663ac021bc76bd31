import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '#scripts/setup/paths.mjs';

type AllowedSkip = { readonly kind: string; readonly name: string; readonly reason: string };

/** Whether the committed table allows that this case of a suite is skipped for this reason. */
export const isAllowedSkip = (kind: string, name: string, reason: string): boolean => {
  const table = readFileSync(path.join(root, 'scripts/test/allowed-skips.json'), 'utf8');
  return (JSON.parse(table) as AllowedSkip[]).some(
    (row) => row.kind === kind && row.name === name && new RegExp(row.reason).test(reason),
  );
};
