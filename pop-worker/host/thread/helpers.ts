import { readdirSync, readFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';

const TASKS = '/proc/self/task';
/**
 * How much nicer than the thread that asks, and the most there is: far enough behind for a thread that wakes to run at once,
 * and with a quarter of a busy CPU still. By ten they had a tenth, or a thousandth behind a thread of −20, and a process
 * that was busy from the start went on uncompiled.
 */
const NICER = 5;
const NICEST = 19;

/** Threads of Node that compile JavaScript and help to collect garbage, by their numbers. */
export const helperThreads = (): number[] =>
  readdirSync(TASKS).flatMap((id) => {
    try {
      return readFileSync(`${TASKS}/${id}/comm`, 'utf8') === 'V8Worker\n' ? [Number(id)] : [];
    } catch (error) {
      // It has ended meanwhile.
      if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
      throw error;
    }
  });

/**
 * Lets the threads that compile come behind those that carry packets, for the whole process. On one CPU with such a thread
 * they hold it up for the 1 to 5 ms that a function takes, a hundred times and more after the start.
 */
export const yieldHelpers = (): void => {
  const niceness = Math.min(NICEST, getPriority() + NICER);
  for (const id of helperThreads()) setPriority(id, niceness);
};
