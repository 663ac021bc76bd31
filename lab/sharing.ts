import fs from 'node:fs';

/**
 * The kernel may share CPUs among sessions first (sched_autogroup_enabled). A program in a session of its own then has the weight of
 * any other one, whatever that of whoever started it: it is given the same. Nothing happens where there are no such groups.
 *
 * @param pid leads a session
 */
export const shareAsWeDo = (pid: number): void => {
  try {
    const own = / nice (-?\d+)/.exec(fs.readFileSync('/proc/self/autogroup', 'utf8'))?.[1];
    if (own !== undefined && own !== '0') fs.writeFileSync(`/proc/${pid}/autogroup`, own);
  } catch {
    // There are none, it is not allowed, or the program has ended.
  }
};
