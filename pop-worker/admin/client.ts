import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { type AdminAnswer, PROGRAMS, type Program } from './socket.ts';

const TIMEOUT_MS = 5000;

/** Why an admin socket gave no answer: one sentence. */
export class AdminError extends Error {
  override readonly name = 'AdminError';
  /** The socket is of this one, another than was meant. */
  readonly program: Program | undefined;

  constructor(message: string, program?: Program) {
    super(message);
    this.program = program;
  }
}

const sentence = (program: Program, path: string, code: string | undefined): string => {
  const { name, setting } = PROGRAMS[program];
  if (code === 'ENOENT')
    return `there is no socket ${path}: start the ${name}, or name the one that its ${setting} says`;
  if (code === 'ECONNREFUSED') return `no ${name} answers at ${path}: it has ended, start it again`;
  if (code === 'EACCES' || code === 'EPERM')
    return `${path} is for the ${name}'s own user: run as that user or as root`;
  return `${path} cannot be reached (${code})`;
};

/** What is asked of a program. */
export interface AdminRequest {
  /** Of the request, beside the command's name. */
  readonly more?: Readonly<Record<string, unknown>>;
  /** Of silence. */
  readonly timeoutMs?: number;
}

/** Asks a program one thing. @returns what it answered @throws AdminError */
export const askProgram = (
  program: Program,
  path: string,
  command: string,
  { more = {}, timeoutMs = TIMEOUT_MS }: AdminRequest = {},
): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const { name } = PROGRAMS[program];
    const socket = connect(path);
    const fail = (message: string, other?: Program): void => {
      socket.destroy();
      reject(new AdminError(message, other));
    };
    socket.setTimeout(timeoutMs, () => fail(`the ${name} at ${path} does not answer`));
    socket.once('error', (error: NodeJS.ErrnoException) => fail(sentence(program, path, error.code)));
    socket.once('close', () => fail(`the ${name} at ${path} closed without an answer`));
    socket.write(`${JSON.stringify({ ...more, program, command })}\n`);
    const lines = createInterface({ input: socket });
    // The socket's own handler tells.
    lines.once('error', () => {});
    lines.once('line', (line) => {
      const answer = answerOf(line);
      if (answer === undefined) fail(`what answers at ${path} is no ${name}`);
      else if (answer.ok) resolve(answer.result);
      else if (answer.program !== undefined)
        fail(`${path} is the socket of a ${PROGRAMS[answer.program].name}, not of a ${name}`, answer.program);
      else reject(new AdminError(`the ${name} refuses: ${answer.error}`));
      socket.destroy();
    });
  });

const answerOf = (line: string): AdminAnswer | undefined => {
  try {
    const answer = JSON.parse(line) as Partial<AdminAnswer> | null;
    return typeof answer?.ok === 'boolean' ? (answer as AdminAnswer) : undefined;
  } catch {
    return undefined;
  }
};

/** Asks a worker. */
export const askWorker = (path: string, command: string, request?: AdminRequest): Promise<unknown> =>
  askProgram('worker', path, command, request);
