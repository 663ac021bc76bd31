import readline from 'node:readline/promises';
import { CommandError } from './failure.ts';

export const YES_OPTION = {
  yes: { type: 'boolean', short: 'y', help: 'do not ask' },
} as const;

/**
 * Asks a person before something that has no way back. Where nobody sits at the terminal nothing is asked.
 *
 * @param what such as `delete tenant acme`
 * @throws CommandError when the person does not want it
 */
export const confirm = async (what: string, yes: boolean): Promise<void> => {
  if (yes || !process.stdin.isTTY || !process.stderr.isTTY) return;
  const terminal = readline.createInterface({ input: process.stdin, output: process.stderr });
  const abort = new AbortController();
  terminal.once('SIGINT', () => abort.abort());
  terminal.once('close', () => abort.abort());
  try {
    const answer = await terminal.question(`${what.charAt(0).toUpperCase()}${what.slice(1)}? [y/N] `, {
      signal: abort.signal,
    });
    if (/^y(es)?$/i.test(answer.trim())) return;
  } catch (error) {
    if ((error as { name?: string }).name !== 'AbortError') throw error;
  } finally {
    terminal.close();
  }
  throw new CommandError('Nothing was done.');
};
