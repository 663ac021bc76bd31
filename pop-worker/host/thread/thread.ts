import { native } from '../native.ts';

/** Confines the calling thread to these CPUs. */
export const pinThread = (cpus: readonly number[]): void => native.threadPin(Int32Array.from(cpus));

/** CPUs that the calling thread may run on. */
export const threadCpus = (): number[] => {
  const cpus = new Int32Array(1024);
  return [...cpus.subarray(0, native.threadAffinity(cpus))];
};

/** @param name at most 15 bytes */
export const nameThread = (name: string): void => native.threadName(name);
