import { fileFault } from '#telemetry/file-fault.ts';

export const SUCCESS = 0;
export const FAILURE = 1;
export const BAD_USAGE = 2;

/** What a person is told when a command cannot go on: one sentence that names the cause and the mend. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = FAILURE) {
    super(message);
    this.name = 'CommandError';
    this.exitCode = exitCode;
  }
}

export class UsageError extends CommandError {
  constructor(message: string) {
    super(message, BAD_USAGE);
    this.name = 'UsageError';
  }
}

/** Nobody can read what a command prints. It is told where it is found out, so that whoever catches it says nothing. */
export class OutputLost extends CommandError {
  /** @param cause of the operating system */
  constructor(cause: unknown) {
    super(`Standard output cannot be written, ${fileFault(cause)}.`);
    this.name = 'OutputLost';
  }
}
