import { existsSync } from 'node:fs';
import { workerSockets } from '#lab/worker-sockets.ts';
import { findContext } from '../../api/context-store.ts';
import { contextOf } from '../../api/lab-context.ts';
import { targetOf } from '../../api/target.ts';
import { CommandError, UsageError } from '../../failure.ts';
import { DEFAULT_SOCKET } from '../../worker-socket.ts';
import type { EdgeStatus } from './edge-status.ts';
import { readFromSockets } from './from-sockets.ts';

/** Where the status comes from. */
export interface Source {
  /** @throws CommandError with one sentence */
  read(): Promise<EdgeStatus>;
  close(): void;
}

export interface SourceOptions {
  readonly name?: string | undefined;
  readonly socket?: readonly string[] | undefined;
  readonly context?: string | undefined;
  readonly server?: string | undefined;
}

const fromSockets = (sockets: readonly string[]): Source => ({
  read: () => readFromSockets(sockets),
  close: () => undefined,
});

const LAB_CONTEXT = contextOf('');

/** Workers that can be asked at this machine when the API cannot: those of the lab, and the machine's own. */
const socketsBeside = (context: string | undefined): string[] => {
  if (context?.startsWith(LAB_CONTEXT)) return workerSockets(context.slice(LAB_CONTEXT.length));
  return existsSync(DEFAULT_SOCKET) ? [DEFAULT_SOCKET] : [];
};

const fromApi = async (target: ReturnType<typeof targetOf>): Promise<Source> => {
  const [{ apiClient }, { explain }, { readFromApi }] = await Promise.all([
    import('../../api/client.ts'),
    import('../../api/explain.ts'),
    import('./from-api.ts'),
  ]);
  const api = await apiClient(target);
  return {
    read: async () => {
      try {
        return await readFromApi(api);
      } catch (cause) {
        const error = explain(cause, target.context.server);
        const sockets = socketsBeside(target.name);
        if (!(error instanceof CommandError) || sockets.length === 0) throw error;
        return readFromSockets(
          sockets,
          `${error.message} These are the workers on this machine, as they say themselves.`,
        );
      }
    },
    close: api.close,
  };
};

const ofLab = async (lab: string): Promise<Source> => {
  const sockets = workerSockets(lab);
  const context = findContext(contextOf(lab));
  if (context !== undefined) return fromApi(targetOf({ context: contextOf(lab) }));
  if (sockets.length > 0) return fromSockets(sockets);
  throw new CommandError(`There is no lab \`${lab}\` here: \`cloudbridge up --name ${lab}\` brings one up.`);
};

/** @throws UsageError, CommandError, LabError */
export const openSource = async ({ name, socket, context, server }: SourceOptions): Promise<Source> => {
  const given = [name, socket, context ?? server].filter((each) => each !== undefined);
  if (given.length > 1) throw new UsageError('Give one of --name, --socket and --context or --server.');
  if (socket !== undefined) return fromSockets(socket);
  if (name !== undefined) return ofLab(name);
  const options = { ...(context !== undefined && { context }), ...(server !== undefined && { server }) };
  let target: ReturnType<typeof targetOf>;
  try {
    target = targetOf(options);
  } catch (error) {
    // Whoever has signed in nowhere and runs a worker here means that one.
    if (given.length === 0 && error instanceof UsageError && existsSync(DEFAULT_SOCKET))
      return fromSockets([DEFAULT_SOCKET]);
    throw error;
  }
  return fromApi(target);
};
