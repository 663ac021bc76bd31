import { native } from '../native.ts';

/** Confines the calling thread to these CPUs. */
export const pinThread = (cpus: readonly number[]): void => native.threadPin(Int32Array.from(cpus));

/** CPUs that the calling thread may run on. */
export const threadCpus = (): number[] => {
  const cpus = new Int32Array(1024);
  return [...cpus.subarray(0, native.threadAffinity(cpus))];
};

/**
 * Puts the calling thread before all ordinary ones of the machine (SCHED_RR): for one that has little to do, at its time.
 *
 * @param priority 1 to 99, 0 to be ordinary again
 * @returns whether that was allowed; nothing has changed when it was not
 */
export const makeRealtime = (priority: number): boolean => {
  try {
    native.threadRealtime(priority);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    return false;
  }
};

/** @param name at most 15 bytes */
export const nameThread = (name: string): void => native.threadName(name);

/** Lets others go first who wait for the calling thread's CPU. */
export const threadYield: () => void = native.threadYield;
