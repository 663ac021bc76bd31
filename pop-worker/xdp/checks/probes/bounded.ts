import { Patience } from '#host/clock/patience.ts';
import type { CheckResult } from '../wanted.ts';

/** Of a reason: what servers and certificates say may be long. */
const MOST_CHARACTERS = 200;

/** Of printable characters, and not too long. */
const shown = (reason: string): string => {
  const plain = reason.replace(/[^\x20-\x7e]+/g, ' ').trim();
  return plain.length <= MOST_CHARACTERS ? plain : `${plain.slice(0, MOST_CHARACTERS - 3)}...`;
};

export interface Ending {
  passed(reason: string): void;
  failed(reason: string): void;
}

/**
 * One attempt, bounded in time. What it says first counts. That this thread is late does not count against the other end, up to
 * as much time again.
 *
 * @param attempt begins it @returns of it: what takes everything away again, called once in any case
 */
export const bounded = (timeoutMs: number, attempt: (ending: Ending) => () => void): Promise<CheckResult> =>
  new Promise((resolve) => {
    let stop: (() => void) | undefined;
    let isOver = false;
    const end = (outcome: CheckResult['outcome'], reason: string): void => {
      if (isOver) return;
      isOver = true;
      patience.close();
      stop?.();
      resolve({ outcome, reason: shown(reason) });
    };
    const patience = new Patience({ limitMs: timeoutMs, mostMs: 2 * timeoutMs }, () =>
      end('timedOut', `there was no answer within ${timeoutMs} ms`),
    );
    stop = attempt({ passed: (reason) => end('passed', reason), failed: (reason) => end('failed', reason) });
    if (isOver) stop();
  });
