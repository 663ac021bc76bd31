import { native } from '../native.ts';
import type { SchedulingPolicy } from './native.ts';

export { SchedulingPolicy } from './native.ts';

/** Confines the calling thread to these CPUs. */
export const pinThread = (cpus: readonly number[]): void => native.threadPin(Int32Array.from(cpus));

/** CPUs that the calling thread may run on. */
export const threadCpus = (): number[] => {
  const cpus = new Int32Array(1024);
  return [...cpus.subarray(0, native.threadAffinity(cpus))];
};

/** @param priority 1 to 99 for fifo and roundRobin (needs CAP_SYS_NICE), else 0 */
export const scheduleThread = (policy: SchedulingPolicy, priority = 0): void => native.threadSchedule(policy, priority);

/** @param name at most 15 bytes */
export const nameThread = (name: string): void => native.threadName(name);

/**
 * Runs `work` with the calling thread in another network namespace; what it opens stays there, the thread comes back.
 * `work` is synchronous: an await inside would let other work of the thread run in the wrong namespace.
 *
 * @param path `/run/netns/NAME`, or `/proc/PID/ns/net`
 */
export const inNamespace = <Result>(path: string, work: () => Result): Result => {
  const home = native.namespaceOpen('/proc/thread-self/ns/net');
  try {
    const away = native.namespaceOpen(path);
    try {
      native.namespaceEnter(away);
    } finally {
      native.namespaceClose(away);
    }
    try {
      return work();
    } finally {
      native.namespaceEnter(home);
    }
  } finally {
    native.namespaceClose(home);
  }
};
