import fs from 'node:fs';
import { native } from '../native.ts';
import type { GuardHandle } from './native.ts';

const TASKS = '/proc/self/task';
/** Real-time policy of a thread: field 41 of proc(5)'s stat, the 39th behind its name; 0: none. */
const POLICY = 38;
const MOST = 256;

/** Threads of this process that have no real-time priority, by their numbers. */
export const ordinaryThreads = (): number[] =>
  fs.readdirSync(TASKS).flatMap((thread) => {
    try {
      const stat = fs.readFileSync(`${TASKS}/${thread}/stat`, 'utf8');
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[POLICY] === '0' ? [Number(thread)] : [];
    } catch (error) {
      // It has ended meanwhile.
      if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
      throw error;
    }
  });

/**
 * Keeps a real-time thread from waiting for ordinary ones: while it is overdue, the threads that may hold what it waits for
 * have real-time priority, too. All threads of Node take the lock of the queue from which V8's helpers take their jobs, and
 * whoever holds it without a core holds all of them up. A thread of the engine looks after it.
 */
export class Guard {
  readonly #handle: GuardHandle;

  private constructor(handle: GuardHandle) {
    this.#handle = handle;
  }

  /**
   * @param helpers numbers of threads of this process; the first 256 count
   * @param priority higher than that of the guarded thread
   * @returns undefined where that is not allowed
   */
  static over(helpers: readonly number[], priority: number): Guard | undefined {
    try {
      return new Guard(native.guardOpen(Int32Array.from(helpers.slice(0, MOST)), priority));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
      return undefined;
    }
  }

  /** Says when the guarded thread is to do something next. @returns how often its helpers were lent priority */
  due(whenUs: number): number {
    return native.guardDue(this.#handle, Math.max(0, whenUs));
  }

  /** Ends it; may be called twice. */
  close(): void {
    native.guardClose(this.#handle);
  }
}
