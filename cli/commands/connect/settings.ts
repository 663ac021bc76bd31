import path from 'node:path';
import type { ConnectSettings } from '#client/connect.ts';
import { parseListen } from '#client/listen.ts';
import { readCredentials } from '#client/local-credentials.ts';
import { parseForward } from '#client/port-forward.ts';
import { parseServer } from '#client/server-address.ts';
import type { ServiceSettings } from '#client/services.ts';
import { fileToken, staticToken, type TokenSource } from '#client/token-source.ts';
import { parseRoute, type TunSettings } from '#client/tun-control.ts';
import { QlogEnvironmentError, qlogFromEnvironment } from '#host/qlog/environment.ts';
import type { OptionValues } from '../../command.ts';
import { controllerFromEnvironment } from '../../congestion-controller.ts';
import { UsageError } from '../../failure.ts';
import { NEED_DEVICE, oauthTokens } from './oauth.ts';
import type { connectOptions } from './options.ts';

type Options = OptionValues<typeof connectOptions>;

/** @throws UsageError when the text means nothing */
const must = <T>(value: T | undefined, sentence: string): T => {
  if (value === undefined) throw new UsageError(sentence);
  return value;
};

interface Tokens {
  readonly tokens: TokenSource;
  /** Where they come from; nothing for a file. */
  readonly outside?: TunSettings['outside'];
}

/** @param tell shows a person how to sign in */
const tokensOf = async (options: Options, tell: (text: string) => void): Promise<Tokens> => {
  const { device, 'token-file': file, 'token-env': variable } = options;
  const given = ['device', 'token-file', 'token-env'].filter((name) => options[name as keyof Options] !== undefined);
  if (given.length > 1) throw new UsageError(`Give --${given.join(' or --')}, not both.`);
  if (device !== undefined) return oauthTokens(device, options, tell);
  for (const name of NEED_DEVICE)
    if (options[name] !== undefined)
      throw new UsageError(`--${name} needs --device TENANT/DEVICE: whose token to get.`);
  if (file !== undefined) return { tokens: fileToken(file) };
  const name = must(
    variable,
    'A token is missing: give --device TENANT/DEVICE to get it as who is signed in, or --token-file FILE or --token-env NAME.',
  );
  const value = must(process.env[name], `The environment variable ${name} is not set.`);
  return { tokens: staticToken(value, `the variable ${name}`) };
};

const tunOf = (options: Options, outside: TunSettings['outside']): TunSettings | undefined => {
  const routes = (options.route ?? []).map((text) =>
    must(parseRoute(text), `--route takes a prefix such as 10.0.0.0/8 or fd00::/8, not \`${text}\`.`),
  );
  const everything = options['default-route'] === true;
  if (options.tun === undefined) {
    if (routes.length > 0 || everything) throw new UsageError('--route and --default-route need --tun NAME.');
    return undefined;
  }
  if (!/^[A-Za-z0-9_.-]{1,15}$/.test(options.tun))
    throw new UsageError(`--tun takes a name of 1 to 15 letters, digits, dots or dashes, not \`${options.tun}\`.`);
  const home = process.env['CBR_HOME'] ?? '/run/cloudbridge';
  return { name: options.tun, routes, everything, journalFolder: path.join(home, 'connect'), outside };
};

/** @throws UsageError */
const qlogOf = () => {
  try {
    return qlogFromEnvironment();
  } catch (error) {
    if (!(error instanceof QlogEnvironmentError)) throw error;
    throw new UsageError(`${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`);
  }
};

const servicesOf = (options: Options): ServiceSettings => {
  const at = (name: 'socks' | 'http') => {
    const text = options[name];
    if (text === undefined) return undefined;
    return must(parseListen(text), `--${name} takes [ADDRESS:]PORT, not \`${text}\`.`);
  };
  const file = options['local-auth'];
  return {
    socks: at('socks'),
    http: at('http'),
    forwards: (options.forward ?? []).map((text) =>
      must(parseForward(text), `--forward takes [ADDRESS:]PORT=HOST:PORT, not \`${text}\`.`),
    ),
    credentials: file === undefined ? undefined : readCredentials(file),
  };
};

/**
 * What the words of the command line mean together.
 *
 * @param tell shows a person how to sign in
 * @throws UsageError, CommandError
 */
export const settingsOf = async (options: Options, tell: (text: string) => void): Promise<ConnectSettings> => {
  const servers = must(options.server, '--server is missing: https://HOST[:PORT] of the edge.').map((text) => {
    const server = parseServer(text);
    if (typeof server === 'string') throw new UsageError(`--server: ${server}.`);
    return server;
  });
  let outside: TunSettings['outside'];
  const tun = tunOf(options, () => outside?.() ?? []);
  const services = servicesOf(options);
  const isOfUse = tun !== undefined || services.socks !== undefined || services.http !== undefined;
  if (!isOfUse && services.forwards?.length === 0)
    throw new UsageError(
      'Say what to do with the connection: --tun NAME, --socks PORT, --http PORT or --forward PORT=HOST:PORT.',
    );
  const controller = options['congestion-control'] ?? controllerFromEnvironment();
  const { tokens, outside: from } = await tokensOf(options, tell);
  outside = from;
  return {
    servers,
    tokens,
    trust: { caFile: options.ca, pins: options.pin ?? [] },
    tun,
    controller,
    carrier: options.carrier as ConnectSettings['carrier'],
    ...services,
    statisticsSeconds: options.stats ?? 0,
    qlog: qlogOf(),
  };
};
