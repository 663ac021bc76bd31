import type { AccessTokens, OAuthSettings, ServiceAccountKey } from '#client/oauth.ts';
import { refreshGrant, serviceAccountGrant, serviceAccountTokens } from '#client/oauth.ts';
import { secretFault } from '#telemetry/file-fault.ts';
import { CommandError } from '../failure.ts';
import { type Context, isPlainButLocal } from './context.ts';
import { sessionFile } from './context-store.ts';
import { discoverResource } from './discover.ts';
import { readIfThere } from './files.ts';
import { CLI_CLIENT } from './login-options.ts';
import { keptTokens } from './session.ts';
import type { Target } from './target.ts';
import type { Wire } from './wire.ts';

/** @throws CommandError when the file is no key of a service account */
export const readServiceAccountKey = (file: string): ServiceAccountKey => {
  const text = readIfThere(file);
  if (text === undefined) throw new CommandError(`The key file ${file} does not exist.`);
  try {
    const { keyId, key, userId } = JSON.parse(text) as Partial<ServiceAccountKey>;
    if (typeof keyId === 'string' && typeof key === 'string' && typeof userId === 'string') {
      const fault = secretFault(file);
      if (fault !== undefined) throw new CommandError(`The key file ${file} ${fault}.`);
      return { keyId, key, userId };
    }
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new CommandError(`${file} is no key of a service account: it must be JSON with keyId, key and userId.`);
};

/** Whom to ask for tokens; what the context does not say the API is asked. */
export const oauthSettingsOf = async (context: Context, wire: Wire): Promise<OAuthSettings> => {
  let { issuer, project } = context;
  if (issuer === undefined || project === undefined) {
    const found = await discoverResource(context.server, wire);
    issuer ??= found.issuer;
    project ??= found.project;
  }
  if (issuer === undefined || project === undefined)
    throw new CommandError(`${context.server} does not tell its issuer and project: give --issuer URL --project ID.`);
  return {
    issuer,
    project,
    clientId: context.clientId ?? CLI_CLIENT,
    allowHttp: isPlainButLocal(issuer),
    fetch: wire.fetch,
  };
};

/** Access tokens as this target gets them. @throws CommandError when it is not signed in */
export const accessOf = async ({ name, context, token }: Target, wire: Wire): Promise<AccessTokens> => {
  if (token !== undefined) return { accessToken: async () => token };
  const { auth } = context;
  if (auth === undefined) {
    const which = name === undefined ? '' : ` of context \`${name}\``;
    throw new CommandError(
      `Nobody is signed in at ${context.server}${which}: run \`cloudbridge login --server ${context.server}\`, or set CBR_TOKEN.`,
    );
  }
  const settings = await oauthSettingsOf(context, wire);
  if (auth.kind === 'person')
    return keptTokens(sessionFile(name ?? ''), (last) => refreshGrant(settings, last?.refreshToken));
  const key = readServiceAccountKey(auth.keyFile);
  if (name === undefined) return serviceAccountTokens(settings, key);
  return keptTokens(sessionFile(name), () => serviceAccountGrant(settings, key));
};
