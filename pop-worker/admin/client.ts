import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import type { AdminAnswer } from './socket.ts';

const TIMEOUT_MS = 5000;

/** Why a worker's admin socket gave no answer: one sentence. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
}

const sentence = (path: string, code: string | undefined): string => {
  if (code === 'ENOENT')
    return `there is no socket ${path}: start the worker, or name the one that its [admin] socket says`;
  if (code === 'ECONNREFUSED') return `no worker answers at ${path}: it has ended, start it again`;
  if (code === 'EACCES' || code === 'EPERM') return `${path} is for the worker's own user: run as that user or as root`;
  return `${path} cannot be reached (${code})`;
};

/** Asks a worker one thing. @param more of the request, beside the command's name @param timeoutMs of silence @returns what it answered @throws AdminError */
export const askWorker = (
  path: string,
  command: string,
  more: Readonly<Record<string, unknown>> = {},
  timeoutMs = TIMEOUT_MS,
): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const socket = connect(path);
    const fail = (message: string): void => {
      socket.destroy();
      reject(new AdminError(message));
    };
    socket.setTimeout(timeoutMs, () => fail(`the worker at ${path} does not answer`));
    socket.once('error', (error: NodeJS.ErrnoException) => fail(sentence(path, error.code)));
    socket.once('close', () => fail(`the worker at ${path} closed without an answer`));
    socket.write(`${JSON.stringify({ ...more, command })}\n`);
    const lines = createInterface({ input: socket });
    // The socket's own handler tells.
    lines.once('error', () => {});
    lines.once('line', (line) => {
      const answer = JSON.parse(line) as AdminAnswer;
      if (answer.ok) resolve(answer.result);
      else reject(new AdminError(`the worker refuses: ${answer.error}`));
      socket.destroy();
    });
  });
