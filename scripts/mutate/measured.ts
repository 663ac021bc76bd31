import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CODECS } from './codecs.ts';
import { fingerprint } from './fingerprint.ts';

/** The fingerprint of each codec's files when its score was recorded. */
export type Measured = Readonly<Record<string, string>>;

const pathOf = (root: string): string => join(root, 'scripts/mutate/measured.json');

export const measuredIn = (root: string): Measured => JSON.parse(readFileSync(pathOf(root), 'utf8'));

/** What the files of a codec are now. */
export const fingerprintOf = (root: string, name: string): string => fingerprint(root, CODECS[name]?.files ?? []);

/** Notes what the files of a codec were when it was scored. */
export const noteMeasured = (root: string, name: string, of: string): void => {
  const all = { ...measuredIn(root), [name]: of };
  const sorted = Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(pathOf(root), `${JSON.stringify(sorted, null, 2)}\n`);
};

/**
 * A line for each codec: its figure in the manual, and whether its files are still what was scored.
 *
 * @returns the lines, and the codecs whose files have changed since or were never scored
 */
export const standingOf = (
  figures: ReadonlyMap<string, string>,
  measured: Measured,
  now: (name: string) => string,
): { readonly lines: string[]; readonly stale: string[] } => {
  const names = [...figures.keys()];
  const width = Math.max(...names.map((name) => name.length));
  const isStale = (name: string): boolean => measured[name] !== now(name);
  const word = (name: string): string => {
    if (measured[name] === undefined) return 'not scored yet';
    return isStale(name) ? 'changed since' : 'as it is now';
  };
  const line = (name: string): string => `${name.padEnd(width)}  ${figures.get(name)?.padStart(7)}  ${word(name)}`;
  return { lines: names.map(line), stale: names.filter(isStale) };
};
