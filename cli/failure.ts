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
