import fs from 'node:fs';

const NICEST = 19;

/**
 * The kernel may share CPUs among sessions first (sched_autogroup_enabled). A program in a session of its own then has the weight of
 * any other one, whatever that of whoever started it: it is given the same. Nothing happens where there are no such groups.
 *
 * @param pid leads a session
 * @param nicer than we are
 */
export const shareAsWeDo = (pid: number, nicer = 0): void => {
  try {
    const own = / nice (-?\d+)/.exec(fs.readFileSync('/proc/self/autogroup', 'utf8'))?.[1];
    const niceness = Math.min(NICEST, Number(own ?? 0) + nicer);
    if (own !== undefined && niceness !== 0) fs.writeFileSync(`/proc/${pid}/autogroup`, `${niceness}`);
  } catch {
    // There are none, it is not allowed, or the program has ended.
  }
};
