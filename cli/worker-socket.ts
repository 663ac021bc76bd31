import { AdminError, type AdminRequest, askProgram } from '#pop-worker/admin/client.ts';
import type { Program } from '#pop-worker/admin/socket.ts';
import { CommandError } from './failure.ts';

export const DEFAULT_SOCKET = '/run/cloudbridge/admin.sock';

export const SOCKET_OPTION = {
  socket: {
    type: 'string',
    placeholder: 'PATH',
    help: `the worker's admin socket (default ${DEFAULT_SOCKET})`,
  },
} as const;

/** Asks a program at its socket. @throws CommandError */
export const askAt = async (
  program: Program,
  socket: string,
  command: string,
  request?: AdminRequest,
): Promise<Record<string, unknown>> => {
  try {
    return (await askProgram(program, socket, command, request)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof AdminError) throw new CommandError(`${error.message}.`);
    throw error;
  }
};

/** Asks the worker at this socket. @param more of the request @throws CommandError */
export const ask = (
  socket: string | undefined,
  command: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<Record<string, unknown>> => askAt('worker', socket ?? DEFAULT_SOCKET, command, { more });

/** A sentence about an order that the worker's next start will not know; none otherwise. */
export const keptText = ({ kept }: Record<string, unknown>): string =>
  kept === false ? " It ends with the process: it could not be written to the worker's state_directory." : '';
