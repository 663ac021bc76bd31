import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileFault } from '#telemetry/file-fault.ts';
import { LabError } from './errors.ts';
import { isRunning, startTimeOf } from './pids.ts';

export type Holder = { readonly pid: number; readonly startTime: string };

const OTHER_HOME = 'or set CBR_HOME to a folder of yours, where the lab keeps its files.';

/** What a lock says, undefined when it is not there. @throws LabError when it cannot be read */
const read = (file: string): string | undefined => {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new LabError(`${file} cannot be read, ${fileFault(error)}; ${OTHER_HOME}`);
  }
};

/** Who of them runs; undefined: its process is gone, or the text was never whole. */
const runningHolder = (text: string): Holder | undefined => {
  try {
    const holder = JSON.parse(text) as Holder;
    return isRunning(holder.pid, holder.startTime) ? holder : undefined;
  } catch {
    return undefined;
  }
};

/** The process that holds the lock now; a lock whose process is gone holds nobody off. */
export const lockHolder = (file: string): Holder | undefined => {
  const text = read(file);
  return text === undefined ? undefined : runningHolder(text);
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
 * Makes `file` ours, or says whose it is. It appears by link(2) with its content already inside, so nobody ever reads a
 * half-written one. One whose process is gone has only one heir: who takes the lock that is named after what it says, and
 * still finds it there then, puts the one in place of the other by rename(2). That lock can be left behind too, and is
 * taken in the same way.
 */
const take = (draft: string, file: string): Holder | undefined => {
  for (;;) {
    if (tryLink(draft, file)) return undefined;
    const text = read(file);
    if (text === undefined) continue;
    const holder = runningHolder(text);
    if (holder) return holder;
    const inheritance = `${file}.after-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
    const heir = take(draft, inheritance);
    if (heir) return lockHolder(file) ?? heir;
    if (read(file) === text) {
      fs.renameSync(inheritance, file);
      return undefined;
    }
    fs.rmSync(inheritance, { force: true });
  }
};

/**
 * Takes the lab's lock: of any number of processes that try at once, one gets it.
 *
 * @returns the function that gives it back
 * @throws LabError that names the holder, or why nothing can be written there
 */
export const takeLock = (file: string, lab: string): (() => void) => {
  const draft = `${file}.${process.pid}`;
  let holder: Holder | undefined;
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    try {
      fs.writeFileSync(draft, JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) }));
      holder = take(draft, file);
    } finally {
      fs.rmSync(draft, { force: true });
    }
  } catch (error) {
    if (error instanceof LabError) throw error;
    throw new LabError(`${path.dirname(file)} cannot be written to, ${fileFault(error)}; ${OTHER_HOME}`);
  }
  if (holder) {
    throw new LabError(
      `Lab \`${lab}\` is already up (process ${holder.pid}): stop it with \`cloudbridge down --name ${lab}\`, ` +
        'or run another beside it with `--name NAME`.',
    );
  }
  return () => fs.rmSync(file, { force: true });
};
