import path from 'node:path';
import { type Granted, type OAuthSettings, serviceAccountGrant } from '#client/oauth.ts';
import type { OptionValues } from '../command.ts';
import { UsageError } from '../failure.ts';
import { readServiceAccountKey } from './access.ts';
import { type Context, checkContextName, checkUrl, isPlainButLocal } from './context.ts';
import {
  currentContextName,
  deleteContext,
  findContext,
  sessionFile,
  useContext,
  writeContext,
} from './context-store.ts';
import { discoverResource } from './discover.ts';
import { explain } from './explain.ts';
import { type Identity, identityOf } from './identity.ts';
import { CLI_CLIENT, type LOGIN_OPTIONS } from './login-options.ts';
import { writeSession } from './session.ts';
import { signIn } from './sign-in.ts';
import { contextOfServer } from './target.ts';
import { openWire, parseHostPort, type Wire } from './wire.ts';

type LoginOptions = OptionValues<typeof LOGIN_OPTIONS>;

const connectToOf = (texts: readonly string[]): NonNullable<Context['connectTo']> =>
  Object.fromEntries(
    texts.map((text) => {
      const [from = '', to = '', ...more] = text.split('=');
      if (more.length > 0 || parseHostPort(from) === undefined || parseHostPort(to) === undefined)
        throw new UsageError(`--connect-to takes HOST:PORT=HOST:PORT, not \`${text}\`.`);
      return [from, to];
    }),
  );

/** The context that is signed in to: what is known of it, and what the command line says instead. */
const startOf = (options: LoginOptions): { readonly name: string; readonly context: Context } => {
  const { server: given, 'connect-to': connectTo } = options;
  const server = given === undefined ? undefined : checkUrl(given, '--server');
  const again = options.context ?? (server === undefined ? currentContextName() : contextOfServer(server).name);
  const known = again === undefined ? undefined : findContext(again);
  const at = server ?? known?.server;
  if (at === undefined) throw new UsageError('--server is missing: the URL of the API, such as https://api.example.');
  const name = checkContextName(again ?? new URL(at).hostname.replaceAll(/[^A-Za-z0-9.-]/g, ''));
  const { issuer, project, 'token-service': tokens, 'client-id': clientId, ca } = options;
  return {
    name,
    context: {
      // Another installation has nothing in common with the one before.
      ...(known?.server === at ? known : {}),
      server: at,
      ...(issuer && { issuer: checkUrl(issuer, '--issuer') }),
      ...(project && { project }),
      ...(tokens && { tokenService: checkUrl(tokens, '--token-service') }),
      ...(clientId && { clientId }),
      ...(ca && { ca: path.resolve(ca) }),
      ...(connectTo && { connectTo: connectToOf(connectTo) }),
    },
  };
};

/** Asks the API for what nobody said. */
const complete = async (options: LoginOptions, context: Context, wire: Wire): Promise<Context> => {
  const { issuer, project } = options;
  if (issuer !== undefined && project !== undefined) return context;
  const found = await discoverResource(context.server, wire);
  return {
    ...context,
    issuer: issuer ?? found.issuer,
    project: project ?? found.project,
    tokenService: options['token-service'] ?? found.tokenService ?? context.tokenService,
  };
};

export interface SignedIn {
  readonly name: string;
  readonly context: Context;
  readonly identity: Identity;
}

/**
 * Signs in and keeps the context, which becomes the current one. Nothing is kept when it fails.
 *
 * @param tell shows a person what to do
 * @throws UsageError, CommandError
 */
export const login = async (options: LoginOptions, tell: (text: string) => void): Promise<SignedIn> => {
  const { name, context: start } = startOf(options);
  const keyFile = options['service-account-key'];
  if (keyFile !== undefined && options.browser !== undefined)
    throw new UsageError('Give --service-account-key or --browser, not both.');
  const key = keyFile === undefined ? undefined : readServiceAccountKey(keyFile);
  const wire = openWire(start);
  try {
    const context = await complete(options, start, wire);
    const { issuer = '', project = '', clientId = CLI_CLIENT } = context;
    if (issuer === '' || project === '')
      throw new UsageError(`${context.server} does not tell its issuer and project: give --issuer URL --project ID.`);
    const settings: OAuthSettings = {
      issuer,
      project,
      clientId,
      allowHttp: isPlainButLocal(issuer),
      fetch: wire.fetch,
    };
    const granted: Granted =
      key === undefined ? await signIn(settings, options.browser, tell) : await serviceAccountGrant(settings, key);
    const identity = await identityOf(settings, granted.accessToken);
    const auth: Context['auth'] =
      keyFile === undefined ? { kind: 'person' } : { kind: 'service-account', keyFile: path.resolve(keyFile) };
    deleteContext(name);
    writeContext(name, { ...context, auth });
    writeSession(sessionFile(name), granted);
    useContext(name);
    return { name, context, identity };
  } catch (error) {
    throw explain(error, start.server);
  } finally {
    wire.close();
  }
};
