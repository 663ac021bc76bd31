import { existsSync, readFileSync } from 'node:fs';
import { attempt, type Check, firstLine, limited, ok } from './check.ts';

const numberIn = (file: string): number | undefined =>
  existsSync(file) ? Number.parseInt(readFileSync(file, 'utf8'), 10) : undefined;

/** Where the time of real-time threads is a control group's (CONFIG_RT_GROUP_SCHED, version 1). */
const groupRuntime = (): { readonly file: string; readonly us: number } | undefined => {
  const [, group] = /^\d+:[^:]*\bcpu\b[^:]*:(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8')) ?? [];
  if (group === undefined) return undefined;
  const file = `/sys/fs/cgroup/cpu${group === '/' ? '' : group}/cpu.rt_runtime_us`;
  const us = numberIn(file);
  return us === undefined ? undefined : { file, us };
};

const realTime: Check = {
  feature: 'real-time priority',
  neededBy: 'up',
  probe: () => {
    const tried = attempt('chrt', ['--rr', '11', 'true']);
    const share = numberIn('/proc/sys/kernel/sched_rt_runtime_us') ?? -1;
    if (tried.succeeded)
      return ok(share < 0 ? 'allowed' : `allowed, for up to ${Math.round(share / 1000)} ms of each second`);
    const group = groupRuntime();
    if (group?.us === 0) {
      return limited('the control group has no real-time: load can delay BFD', `echo 100000 > ${group.file}`);
    }
    const mend = 'CAP_SYS_NICE for workers, or LimitRTPRIO=11 in their unit';
    return limited(`not allowed (${firstLine(tried.stderr)}): load can delay BFD`, mend);
  },
};

const waits: Check = {
  feature: 'waits for a core are counted',
  neededBy: 'up',
  probe: () => {
    const file = '/proc/self/schedstat';
    const ran = numberIn(file) ?? 0;
    if (ran > 0) return ok(file);
    const found = 'no: a worker that gets no CPU for 250 ms takes its threads for stuck';
    return limited(found, 'a kernel with CONFIG_SCHEDSTATS, or one started with `delayacct`');
  },
};

/** What tells a busy machine from a fault, and keeps BFD from noticing it. */
export const SCHEDULING_CHECKS: readonly Check[] = [realTime, waits];
