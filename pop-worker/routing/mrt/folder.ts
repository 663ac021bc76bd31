import { readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { PART } from './part-file.ts';

export type MrtKind = 'rib' | 'updates';

const nameOf = (kind: MrtKind, at: Date, more: number): string => {
  const text = at.toISOString();
  const [day, time] = [text.slice(0, 10), text.slice(11, 19)].map((part) => part.replaceAll(/[-:]/g, ''));
  return `${kind}.${day}.${time}${more === 0 ? '' : `-${more}`}.mrt`;
};

const isOurs = (name: string, kind: MrtKind): boolean =>
  new RegExp(`^${kind}\\.\\d{8}\\.\\d{6}(-\\d+)?\\.mrt$`).test(name);

/** Path of a file that begins at `at`, `updates.20261129.010203.mrt` in UTC, which there is none of yet. */
export const fileIn = async (directory: string, kind: MrtKind, at: Date): Promise<string> => {
  const names = new Set(await readdir(directory));
  let more = 0;
  while (names.has(nameOf(kind, at, more)) || names.has(`${nameOf(kind, at, more)}${PART}`)) more++;
  return path.join(directory, nameOf(kind, at, more));
};

/** Takes away all but the newest `keep` files of a kind; what has another name is somebody else's. */
export const keepNewest = async (directory: string, kind: MrtKind, keep: number): Promise<void> => {
  const names = (await readdir(directory)).filter((name) => isOurs(name, kind)).toSorted(byTime);
  for (const name of names.slice(0, Math.max(0, names.length - keep))) await rm(path.join(directory, name));
};

/** `-2` comes behind the one without. */
const byTime = (a: string, b: string): number =>
  a.replace('.mrt', '').localeCompare(b.replace('.mrt', ''), 'en', { numeric: true });

/** What a run before has left unfinished: UPDATEs are good up to where it ended, a table is not. */
export const finishOld = async (directory: string): Promise<void> => {
  for (const name of await readdir(directory)) {
    if (!name.endsWith(PART)) continue;
    const whole = name.slice(0, -PART.length);
    const part = path.join(directory, name);
    if (isOurs(whole, 'updates')) await rename(part, path.join(directory, whole));
    else if (isOurs(whole, 'rib')) await rm(part);
  }
};
