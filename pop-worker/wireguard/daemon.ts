import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { StartError } from '../start-error.ts';

/** What a child says when it serves. */
const READY = 'ready';
/** Of what a child says of why it does not. */
const MOST_SAID = 4096;

/** Tells whoever started this process as a daemon that it serves; from here on nobody hears what it says. */
export const tellReady = (): void => {
  if (process.send === undefined) return;
  process.stderr.on('error', () => {});
  process.send(READY, () => process.disconnect());
};

/**
 * Starts this very command once more, in a session of its own, and waits until it serves.
 *
 * @param args of the command that stays in the foreground
 * @throws StartError it ended before it served; the message is what it said
 */
export const startDaemon = async (args: readonly string[]): Promise<void> => {
  const [program = ''] = process.argv.slice(1);
  const child = spawn(process.execPath, [...process.execArgv, program, ...args], {
    ...{ detached: true, cwd: '/', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] },
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-MOST_SAID);
  });
  const outcome = await Promise.race([
    once(child, 'message').then(() => READY),
    once(child, 'close').then(() => 'ended'),
    once(child, 'error').then(([error]) => {
      throw new StartError(`The daemon cannot be started: ${(error as Error).message}.`);
    }),
  ]);
  if (outcome !== READY) throw new StartError(said.trim().replace(/^.*?: /, '') || 'The daemon ended at once.');
  child.stderr?.destroy();
  if (child.connected) child.disconnect();
  child.unref();
};
