import fs from 'node:fs';

/**
 * When a process started, in clock ticks since boot (proc_pid_stat(5), field 22), or undefined if there is none or it
 * is a zombie. Together with the number it names a process for good: numbers are used again.
 */
export const startTimeOf = (pid: number): string | undefined => {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
};

export const isRunning = (pid: number, startTime: string): boolean => startTimeOf(pid) === startTime;

/** Sends a signal; that the process or group has just ended is no error. */
export const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};
