import fs from 'node:fs';
import path from 'node:path';
import { LabError } from './errors.ts';
import { isRunning, startTimeOf } from './pids.ts';

export type Holder = { readonly pid: number; readonly startTime: string };

const readHolder = (file: string): Holder | undefined => {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
};

/** The process that holds the lock now; a lock whose process is gone holds nobody off. */
export const lockHolder = (file: string): Holder | undefined => {
  const holder = readHolder(file);
  return holder && isRunning(holder.pid, holder.startTime) ? holder : undefined;
};

const tryLink = (from: string, to: string): boolean => {
  try {
    fs.linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
};

/**
 * Takes the lab's lock or throws a `LabError` that names the holder. Returns the function that gives it back.
 * The file appears by link(2) with its content already inside, so nobody ever reads a half-written one.
 */
export const takeLock = (file: string, lab: string): (() => void) => {
  const draft = `${file}.${process.pid}`;
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(draft, JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) }));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new LabError(
      `${path.dirname(file)} cannot be written to (${code}): set CBR_HOME to a folder of yours, where the lab keeps its files.`,
    );
  }
  try {
    while (!tryLink(draft, file)) {
      const holder = lockHolder(file);
      if (holder) {
        throw new LabError(
          `Lab \`${lab}\` is already up (process ${holder.pid}): stop it with \`cloudbridge down --name ${lab}\`, ` +
            'or run another beside it with `--name NAME`.',
        );
      }
      fs.rmSync(file, { force: true });
    }
  } finally {
    fs.rmSync(draft, { force: true });
  }
  return () => fs.rmSync(file, { force: true });
};
