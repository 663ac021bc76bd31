import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AccessTokens, type Granted, Renewing } from '#client/oauth.ts';
import { CommandError } from '../failure.ts';
import { readIfThere, writeOwnFile } from './files.ts';

/** A lock whose owner died; asking for a token takes less. */
const STALE_MS = 60_000;
const POLL_MS = 50;

/** Runs while no other process does the same at this file. @throws CommandError when another takes too long */
const withLock = async <T>(file: string, work: () => Promise<T>): Promise<T> => {
  const lock = `${file}.lock`;
  fs.mkdirSync(path.dirname(lock), { recursive: true, mode: 0o700 });
  for (const end = Date.now() + 2 * STALE_MS; ; await sleep(POLL_MS)) {
    try {
      fs.closeSync(fs.openSync(lock, 'wx', 0o600));
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const age = Date.now() - (fs.statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > STALE_MS) fs.rmSync(lock, { force: true });
      if (Date.now() > end) throw new CommandError(`Another process holds ${lock}: remove it if there is none.`);
    }
  }
  try {
    return await work();
  } finally {
    fs.rmSync(lock, { force: true });
  }
};

const isGranted = (value: unknown): value is Granted => {
  const { accessToken, expiresAtMs, lifetimeMs } = (value ?? {}) as Partial<Granted>;
  return typeof accessToken === 'string' && typeof expiresAtMs === 'number' && typeof lifetimeMs === 'number';
};

/** @returns undefined when nothing is kept or what is kept is of no use */
export const readSession = (file: string): Granted | undefined => {
  try {
    const value: unknown = JSON.parse(readIfThere(file) ?? 'null');
    return isGranted(value) ? value : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
};

export const writeSession = (file: string, granted: Granted): void => writeOwnFile(file, JSON.stringify(granted));

/**
 * Access tokens that outlive the command: kept in a file, asked for by one process at a time, for a refresh token is good
 * once and its second use ends the sign-in.
 *
 * @param grant asks for the next
 */
export const keptTokens = (file: string, grant: (last: Granted | undefined) => Promise<Granted>): AccessTokens => {
  const renewing = new Renewing(
    (last) =>
      withLock(file, async () => {
        const kept = readSession(file);
        const isNew = kept !== undefined && kept.accessToken !== last?.accessToken;
        if (isNew && kept.expiresAtMs - Date.now() > kept.lifetimeMs / 5) return kept;
        const granted = await grant(kept);
        writeSession(file, granted);
        return granted;
      }),
    readSession(file),
  );
  return { accessToken: (refused) => renewing.get(refused) };
};
