import { execFile } from 'node:child_process';

/** A program of the system is missing or said no; one sentence. */
export class ToolError extends Error {
  override readonly name = 'ToolError';
}

const TIMEOUT_MS = 10_000;

/**
 * Runs a program of the system to its end, with `input` as its stdin.
 *
 * @param install how to get it, for the message when it is missing
 * @returns what it printed
 * @throws ToolError
 */
export const runTool = (command: string, args: readonly string[], install: string, input = ''): Promise<string> =>
  new Promise((resolve, reject) => {
    const child = execFile(command, args, { timeout: TIMEOUT_MS, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
        reject(new ToolError(`\`${command}\` is not installed: ${install}`));
      } else {
        const said = stderr.trim().split('\n')[0] || error.message;
        reject(new ToolError(`\`${[command, ...args].join(' ')}\` failed: ${said}`));
      }
    });
    // A program may end without reading its input; its exit code tells.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
