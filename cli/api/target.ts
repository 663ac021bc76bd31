import type { OptionValues } from '../command.ts';
import { UsageError } from '../failure.ts';
import { type Context, checkUrl } from './context.ts';
import { currentContextName, findContext, readContext } from './context-store.ts';
import { contextNames } from './files.ts';
import type { TARGET_OPTIONS } from './options.ts';

/** Whom a command talks to and as whom. */
export interface Target {
  /** Of the context, where there is one. */
  readonly name: string | undefined;
  readonly context: Context;
  /** An access token that was given whole. */
  readonly token: string | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment says instead of the context. */
const fromEnvironment = (env: Environment): Partial<Context> => {
  const { CBR_CA: ca, CBR_ISSUER: issuer, CBR_PROJECT: project, CBR_TOKEN_SERVICE: tokenService } = env;
  const keyFile = env['CBR_SERVICE_ACCOUNT_KEY'];
  return {
    ...(ca && { ca }),
    ...(issuer && { issuer: checkUrl(issuer, 'CBR_ISSUER') }),
    ...(project && { project }),
    ...(tokenService && { tokenService: checkUrl(tokenService, 'CBR_TOKEN_SERVICE') }),
    ...(keyFile && { auth: { kind: 'service-account' as const, keyFile } }),
  };
};

/** The context for this server: the current one before others. */
export const contextOfServer = (server: string): Omit<Target, 'token'> => {
  const names = [currentContextName(), ...contextNames()].filter((name) => name !== undefined);
  for (const name of names) {
    const context = findContext(name);
    if (context?.server === server) return { name, context };
  }
  return { name: undefined, context: { server } };
};

const named = (name: string): Omit<Target, 'token'> => ({ name, context: readContext(name) });

/**
 * Finds out whom to talk to. `--context` says all of it; `--server`, `CBR_CONTEXT`, `CBR_SERVER` and then the current
 * context say where, and the rest of the environment says otherwise what they say.
 *
 * @throws UsageError when nothing says so
 */
export const targetOf = (
  { context, server }: OptionValues<typeof TARGET_OPTIONS>,
  env: Environment = process.env,
): Target => {
  if (context !== undefined && server !== undefined) throw new UsageError('Give --context or --server, not both.');
  if (context !== undefined) return { ...named(context), token: undefined };
  const { CBR_CONTEXT: otherContext, CBR_SERVER: otherServer } = env;
  const current = currentContextName();
  let found: Omit<Target, 'token'>;
  if (server !== undefined) found = contextOfServer(checkUrl(server, '--server'));
  else if (otherContext) found = named(otherContext);
  else if (otherServer) found = contextOfServer(checkUrl(otherServer, 'CBR_SERVER'));
  else if (current !== undefined) found = named(current);
  else
    throw new UsageError('No installation is named: run `cloudbridge login --server URL` once, or give --server URL.');
  const { auth, ...other } = fromEnvironment(env);
  // Another account than the context's has nothing to do with its session.
  const name = auth === undefined ? found.name : undefined;
  return { name, context: { ...found.context, ...other, ...(auth && { auth }) }, token: env['CBR_TOKEN'] || undefined };
};
