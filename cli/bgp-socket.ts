import { existsSync } from 'node:fs';
import { AdminError, type AdminRequest, askProgram } from '#pop-worker/admin/client.ts';
import { CommandError } from './failure.ts';
import { DEFAULT_SOCKET } from './worker-socket.ts';

export const DEFAULT_BGP_SOCKET = '/run/cloudbridge/bgp.sock';

export const BGP_SOCKET_OPTION = {
  socket: { type: 'string', placeholder: 'PATH', help: `the speaker's socket (default ${DEFAULT_BGP_SOCKET})` },
} as const;

export const BGP_OR_WORKER_SOCKET_OPTION = {
  socket: {
    type: 'string',
    placeholder: 'PATH',
    help: `the socket of a speaker or of a worker (default ${DEFAULT_BGP_SOCKET}, without one ${DEFAULT_SOCKET})`,
  },
} as const;

/** What both are asked, as each calls it. */
const QUESTIONS = {
  explain: { bgp: 'explain', worker: 'bgp-explain' },
  retry: { bgp: 'retry', worker: 'bgp-retry' },
  routes: { bgp: 'routes', worker: 'bgp-routes' },
} as const;

/**
 * Asks a speaker by itself or a worker of its routes and neighbours, whichever has the socket.
 *
 * @param socket undefined: the speaker's usual one, or where there is none the worker's
 * @throws CommandError
 */
export const askBgp = async (
  socket: string | undefined,
  question: keyof typeof QUESTIONS,
  more: AdminRequest['more'] = {},
): Promise<Record<string, unknown>> => {
  const usual = existsSync(DEFAULT_BGP_SOCKET) || !existsSync(DEFAULT_SOCKET) ? DEFAULT_BGP_SOCKET : DEFAULT_SOCKET;
  const path = socket ?? usual;
  const ask = (program: 'bgp' | 'worker') => askProgram(program, path, QUESTIONS[question][program], { more });
  try {
    return (await ask('bgp').catch((error: unknown) => {
      if (error instanceof AdminError && error.program === 'worker') return ask('worker');
      throw error;
    })) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof AdminError) throw new CommandError(`${error.message}.`);
    throw error;
  }
};
