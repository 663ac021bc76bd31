import path from 'node:path';
import { ConnectFailure } from '#client/failure.ts';
import { type AccessTokens, refreshedTokens } from '#client/oauth.ts';
import { popTokens } from '#client/pop-tokens.ts';
import type { TokenSource } from '#client/token-source.ts';
import type { TunSettings } from '#client/tun-control.ts';
import { accessOf, oauthSettingsOf } from '../../api/access.ts';
import { tokenServiceOf } from '../../api/client.ts';
import { checkUrl, isPlainButLocal } from '../../api/context.ts';
import { explain, isUntrusted } from '../../api/explain.ts';
import { signIn } from '../../api/sign-in.ts';
import { type Target, targetOf } from '../../api/target.ts';
import { openWire, type Wire } from '../../api/wire.ts';
import type { OptionValues } from '../../command.ts';
import { UsageError } from '../../failure.ts';
import type { connectOptions } from './options.ts';

type Options = OptionValues<typeof connectOptions>;

/** Options that say how a token is got, which needs to be known of which device. */
export const NEED_DEVICE = [
  'context',
  'login',
  'browser',
  'service-account-key',
  'token-service',
  'issuer',
  'project',
  'client-id',
] as const;

/** Whom to ask for tokens and as whom: a context, or what the command line says instead of it. */
const targetFor = (options: Options): Target => {
  const { context: name, issuer, project, 'token-service': given, 'client-id': clientId, ca } = options;
  const tokenService = given === undefined ? undefined : checkUrl(given, '--token-service');
  // The token service tells by itself who signs people in for it, as the API does.
  const alone = tokenService !== undefined && name === undefined;
  const found: Target = alone
    ? { name: undefined, context: { server: tokenService }, token: undefined }
    : targetOf({ ...(name !== undefined && { context: name }) });
  const keyFile = options['service-account-key'];
  const context = {
    ...found.context,
    ...(tokenService && { tokenService }),
    ...(issuer && { issuer: checkUrl(issuer, '--issuer') }),
    ...(project && { project }),
    ...(clientId && { clientId }),
    ...(ca && { ca: path.resolve(ca) }),
  };
  if (keyFile === undefined) return { ...found, context };
  return { name: undefined, context: { ...context, auth: { kind: 'service-account', keyFile } }, token: undefined };
};

/** A certificate that was never good will not become so by waiting. */
const distrust = (error: unknown, { context }: Target): ConnectFailure => {
  const { message } = explain(error, context.server) as Error;
  return new ConnectFailure(message.replace(/\.$/, ''), 'fatal-at-first');
};

const accessFor = async (
  options: Options,
  target: Target,
  wire: Wire,
  tell: (text: string) => void,
): Promise<AccessTokens> => {
  if (options.login !== true) return accessOf(target, wire);
  const settings = await oauthSettingsOf(target.context, wire);
  return refreshedTokens(settings, await signIn(settings, options.browser, tell), async () => undefined);
};

/**
 * Tokens of a device, got from the token service and renewed as long as somebody is signed in.
 *
 * @param device `TENANT/DEVICE`
 * @param tell shows a person how to sign in
 * @returns with what must be reached outside of a tunnel to get them
 * @throws UsageError, CommandError when nobody is signed in, or the services cannot be found
 */
export const oauthTokens = async (
  device: string,
  options: Options,
  tell: (text: string) => void,
): Promise<{ readonly tokens: TokenSource; readonly outside: TunSettings['outside'] }> => {
  const [tenant = '', id = '', ...more] = device.split('/');
  if (tenant === '' || id === '' || more.length > 0)
    throw new UsageError(`--device takes TENANT/DEVICE, not \`${device}\`.`);
  if (options.login === true && options['service-account-key'] !== undefined)
    throw new UsageError('Give --login or --service-account-key, not both.');
  if (options.browser !== undefined && options.login !== true) throw new UsageError('--browser needs --login.');
  const target = targetFor(options);
  const wire = openWire(target.context);
  try {
    const access = await accessFor(options, target, wire, tell);
    const tokenService = await tokenServiceOf(target.context, wire);
    const allowHttp = isPlainButLocal(tokenService);
    const tokens = popTokens({ tokenService, tenant, device: id, allowHttp, fetch: wire.fetch }, access);
    const token = (old?: string): Promise<string> =>
      tokens.token(old).catch((error) => {
        throw isUntrusted(error) ? distrust(error, target) : error;
      });
    return { tokens: { token }, outside: () => wire.names.places() };
  } catch (error) {
    wire.close();
    throw explain(error, target.context.server);
  }
};
