import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './setup/paths.mjs';
import type { SpecFile } from './spec-files.ts';

/** How often each section of an RFC says MUST or MUST NOT: by RFC, then by section. */
export type Musts = Readonly<Record<string, Readonly<Record<string, number>>>>;

export const readMusts = (): Musts => JSON.parse(readFileSync(path.join(root, 'scripts/spec-musts.json'), 'utf8'));

/** What tables with a column `musts` speak of, added up. */
const covered = (specs: readonly Pick<SpecFile, 'rows'>[]): Map<string, number> => {
  const sums = new Map<string, number>();
  for (const { rfc, section, musts } of specs.flatMap(({ rows }) => rows)) {
    const key = `${rfc} §${section}`;
    if (musts > 0) sums.set(key, (sums.get(key) ?? 0) + musts);
  }
  return sums;
};

/** Sections of which the tables leave out a MUST, or name more than there are. */
export const mustProblems = (musts: Musts, specs: readonly Pick<SpecFile, 'rows'>[]): string[] => {
  const sums = covered(specs);
  const wanted = new Map<string, number>(
    Object.entries(musts).flatMap(([rfc, sections]) =>
      Object.entries(sections).map(([section, count]) => [`${rfc} §${section}`, count] as const),
    ),
  );
  return [...new Set([...wanted.keys(), ...sums.keys()])]
    .filter((key) => wanted.get(key) !== sums.get(key))
    .map((key) => `${key} says MUST ${wanted.get(key) ?? 0} times, the tables tell of ${sums.get(key) ?? 0}`);
};
