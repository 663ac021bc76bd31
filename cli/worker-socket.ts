import { AdminError, askWorker } from '#pop-worker/admin/client.ts';
import { CommandError } from './failure.ts';

export const DEFAULT_SOCKET = '/run/cloudbridge/admin.sock';

export const SOCKET_OPTION = {
  socket: {
    type: 'string',
    placeholder: 'PATH',
    help: `the worker's admin socket (default ${DEFAULT_SOCKET})`,
  },
} as const;

/** Asks the worker at this socket. @param more of the request @throws CommandError */
export const ask = async (
  socket: string | undefined,
  command: string,
  more: Readonly<Record<string, unknown>> = {},
  timeoutMs?: number,
): Promise<Record<string, unknown>> => {
  try {
    return (await askWorker(socket ?? DEFAULT_SOCKET, command, more, timeoutMs)) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof AdminError) throw new CommandError(`${error.message}.`);
    throw error;
  }
};
