import fs from 'node:fs';
import type { TimeUs } from '#protocol/contract.ts';

const NONE = -1;
const SPACE = 0x20;
const NEW_LINE = 0x0a;
const PARENTHESIS = 0x29;
const RUNNABLE = 0x52;
/** Number and name come before the state (proc(5), `/proc/PID/stat`); a name has 15 bytes. */
const STAT_BYTES = 64;

/**
 * How long a thread of this process was ready to run and had no core, by what the kernel counts of it
 * (`/proc/PID/task/TID/schedstat`: nanoseconds on a core, nanoseconds of waiting for one, turns; a CPU quota of a control
 * group counts as waiting). The kernel adds a wait up when it is over. One that goes on is seen by the thread being ready
 * without having run since it was looked at before: so look now and then.
 */
export class CoreWait {
  readonly #schedstat: number;
  readonly #stat: number;
  readonly #buffer = Buffer.alloc(STAT_BYTES);
  #ranNs = NONE;
  #turns = NONE;
  #waitedNs = 0;
  /** Since when it is known to be ready and not to run; NONE: it is not. */
  #readySince: TimeUs = NONE;

  private constructor(schedstat: number, stat: number) {
    this.#schedstat = schedstat;
    this.#stat = stat;
  }

  /**
   * @param thread the kernel's number of it
   * @returns undefined where the kernel does not count, and where there is no such thread
   */
  static of(thread: number): CoreWait | undefined {
    const opened: number[] = [];
    try {
      for (const name of ['schedstat', 'stat']) opened.push(fs.openSync(`/proc/self/task/${thread}/${name}`, 'r'));
      const [schedstat, stat] = opened as [number, number];
      const wait = new CoreWait(schedstat, stat);
      // All zeros: this kernel does not count (CONFIG_SCHED_INFO, or `delayacct` is off).
      if (wait.#read() && wait.#ranNs > 0) return wait;
    } catch {
      // No /proc, or no such thread.
    }
    for (const descriptor of opened) fs.closeSync(descriptor);
    return undefined;
  }

  /** Microseconds since the thread began; never less than was told before, but for a turn that has just begun. */
  totalUs(now: TimeUs): number {
    const ranNs = this.#ranNs;
    const turns = this.#turns;
    // One that has ended waits no more.
    if (!this.#read()) return this.#waitedNs / 1000;
    const hasRun = this.#ranNs !== ranNs || this.#turns !== turns;
    if (!this.#isReady()) this.#readySince = NONE;
    else if (hasRun || this.#readySince === NONE) this.#readySince = now;
    return this.#waitedNs / 1000 + (this.#readySince === NONE ? 0 : now - this.#readySince);
  }

  close(): void {
    fs.closeSync(this.#schedstat);
    fs.closeSync(this.#stat);
  }

  #read(): boolean {
    const buffer = this.#buffer;
    try {
      const length = fs.readSync(this.#schedstat, buffer, 0, STAT_BYTES, 0);
      let at = 0;
      const next = (): number => {
        let value = 0;
        for (; at < length; at++) {
          const byte = buffer[at] as number;
          if (byte === SPACE || byte === NEW_LINE) break;
          value = value * 10 + byte - 0x30;
        }
        at++;
        return value;
      };
      this.#ranNs = next();
      this.#waitedNs = next();
      this.#turns = next();
      return true;
    } catch {
      return false;
    }
  }

  /** On a core, or waiting for one. */
  #isReady(): boolean {
    try {
      const length = fs.readSync(this.#stat, this.#buffer, 0, STAT_BYTES, 0);
      const end = this.#buffer.subarray(0, length).lastIndexOf(PARENTHESIS);
      return this.#buffer[end + 2] === RUNNABLE;
    } catch {
      return false;
    }
  }
}
