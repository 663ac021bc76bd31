import fs from 'node:fs';

// Fields of proc_pid_stat(5), counted from the one after the name, which is the third.
const STATE = 0;
const GROUP = 2;
const START_TIME = 19;

/** Undefined if there is no such process or it is a zombie. */
const statOf = (pid: number | string): readonly string[] | undefined => {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[STATE] === 'Z' ? undefined : fields;
  } catch {
    return undefined;
  }
};

/**
 * When a process started, in clock ticks since boot, or undefined if there is none or it is a zombie. Together with the
 * number it names a process for good: numbers are used again.
 */
export const startTimeOf = (pid: number): string | undefined => statOf(pid)?.[START_TIME];

export const isRunning = (pid: number, startTime: string): boolean => startTimeOf(pid) === startTime;

/** Process groups among these that have a member, zombies aside. */
export const runningGroups = (leaders: readonly number[]): number[] => {
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const groups = new Set(pids.map((pid) => Number(statOf(pid)?.[GROUP])));
  return leaders.filter((leader) => groups.has(leader));
};

/** Sends a signal; that the process or group has just ended is no error. */
export const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
};
