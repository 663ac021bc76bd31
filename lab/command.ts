import { spawn } from 'node:child_process';
import { LabError } from './errors.ts';

export type CommandOptions = {
  readonly input?: string;
  readonly timeoutMs?: number;
  /** Is told the first that it says on stdout, while it runs. */
  readonly onFirstOutput?: () => void;
};

const DEFAULT_TIMEOUT_MS = 30_000;

/** Runs a program to its end. Resolves to its stdout; a failure, signal or time-out is a `LabError` with its stderr. */
export const runCommand = (command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const timeout = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const child = spawn(command, args, {
      // Out of the terminal's reach: Ctrl-C is for us, and must not break off what removes the lab.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (stdout === '') options.onFirstOutput?.();
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      const why = code === 'ENOENT' ? 'is not installed: `npm start` brings it' : `could not be run: ${message}`;
      reject(new LabError(`\`${command}\` ${why}; \`cloudbridge doctor\` says what else is missing.`));
    });
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(stdout);
      const how = signal === null ? `ended with ${code}` : `was ended by ${signal} (limit ${timeout} ms)`;
      reject(new LabError(`\`${[command, ...args].join(' ')}\` ${how}: ${(stderr || stdout).trim()}`));
    });
    // A program may end without reading its input; that is its own affair and seen in its exit code.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
  });

/** Waits until `condition` holds, looking every few milliseconds; a deadline that passes is a `LabError`. */
export const until = async (what: string, deadlineMs: number, condition: () => boolean): Promise<void> => {
  const end = performance.now() + deadlineMs;
  while (!condition()) {
    if (performance.now() > end) throw new LabError(`Waited ${deadlineMs} ms in vain: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};
