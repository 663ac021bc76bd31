import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';
import { fileFault } from '#telemetry/file-fault.ts';
import { StartError } from './start-error.ts';

const FILE = 'boot-epoch';
/** 2025-01-01; seconds since then fit 32 bits until 2161. */
const SINCE_MS = Date.UTC(2025, 0, 1);
const MOST = 0xffff_ffff;

const secondsOf = (wallMs: number): number => Math.min(Math.max(Math.floor((wallMs - SINCE_MS) / 1000), 1), MOST - 1);

const lastOf = (file: string): number => {
  try {
    const last = Number(readFileSync(file, 'utf8'));
    return Number.isInteger(last) && last > 0 && last < MOST ? last : 0;
  } catch {
    return 0;
  }
};

/**
 * A number that no earlier process of this worker had: nonces and keys that must never come again contain it. It is the time,
 * and above the last one in any case, also where the clock was set back; it is on disk before anybody uses it.
 *
 * @param directory of the worker's state; is made @returns 1 to 2^32-1 @throws StartError when it cannot be written
 */
export const nextBootEpoch = (directory: string, wallMs: number): number => {
  const file = path.join(directory, FILE);
  const epoch = Math.max(lastOf(file) + 1, secondsOf(wallMs));
  try {
    mkdirSync(directory, { recursive: true });
    const descriptor = openSync(`${file}.new`, 'w', 0o600);
    writeSync(descriptor, `${epoch}\n`);
    fsyncSync(descriptor);
    closeSync(descriptor);
    renameSync(`${file}.new`, file);
  } catch (error) {
    throw new StartError(`${file} cannot be written, ${fileFault(error)}: change state_directory`);
  }
  return epoch;
};

/**
 * The same for a worker whose epoch guards nothing but its own connection IDs: where it cannot be kept, the clock must do.
 *
 * @param warn is told why
 */
export const bootEpochOrTime = (directory: string, wallMs: number, warn: (reason: string) => void): number => {
  try {
    return nextBootEpoch(directory, wallMs);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    warn(error.message);
    return secondsOf(wallMs);
  }
};
