import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandError } from '../../failure.ts';
import type { Output } from '../../output.ts';
import type { EdgeStatus } from './edge-status.ts';
import { renderStatus } from './render.ts';
import type { Source } from './source.ts';

const EVERY_MS = 2000;

/** Shows the status every two seconds until it is told to stop. What cannot be read is told, beside what was read before. */
export const watchStatus = async (source: Source, output: Output, signal: AbortSignal): Promise<void> => {
  const screen = output.screen();
  const show = (status: EdgeStatus): void => {
    if (output.isForPrograms) output.line(status);
    else screen.draw(renderStatus(output, status, Date.now()));
  };
  const stopped = signal.aborted ? Promise.resolve() : once(signal, 'abort');
  let last: EdgeStatus | undefined;
  try {
    while (!signal.aborted) {
      const reading = source.read();
      // Nobody waits for it any more once it is told to stop.
      reading.catch(() => undefined);
      try {
        const read = await Promise.race([reading, stopped.then(() => undefined)]);
        if (read === undefined) return;
        last = read;
        show(last);
      } catch (error) {
        if (last === undefined || !(error instanceof CommandError)) throw error;
        show({ ...last, remark: `${error.message} Below is what was seen before.` });
      }
      await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    screen.close();
  }
};
