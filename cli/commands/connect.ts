import path from 'node:path';
import { Client, type ConnectEvent, type ConnectSettings } from '#client/connect.ts';
import { ConnectFailure } from '#client/failure.ts';
import { parseServer } from '#client/server-address.ts';
import { statisticsLine } from '#client/statistics.ts';
import { fileToken, staticToken, type TokenSource } from '#client/token-source.ts';
import { defineCommand, type OptionValues } from '../command.ts';
import { CommandError, SUCCESS, UsageError } from '../failure.ts';
import type { Output } from '../output.ts';
import { describe } from './connect/describe.ts';
import { parseTun } from './connect/settings.ts';

const options = {
  server: {
    type: 'string',
    placeholder: 'URL',
    repeated: true,
    help: 'the edge, https://HOST[:PORT]; several are tried in this order',
  },
  'token-file': {
    type: 'string',
    placeholder: 'FILE',
    help: 'file with the bearer token, read again when it is needed',
  },
  'token-env': { type: 'string', placeholder: 'NAME', help: 'environment variable with the bearer token' },
  ca: {
    type: 'string',
    placeholder: 'FILE',
    help: "authorities of the edge's certificate, PEM (default: this machine's)",
  },
  pin: {
    type: 'string',
    placeholder: 'SHA256',
    repeated: true,
    help: "SHA-256 of the edge's public key, hex or base64",
  },
  tun: { type: 'string', placeholder: 'NAME', help: 'tunnel IP packets through a TUN of this name (root)' },
  route: {
    type: 'string',
    placeholder: 'PREFIX',
    repeated: true,
    help: 'with --tun: send this prefix through the tunnel',
  },
  'default-route': { type: 'boolean', help: 'with --tun: send everything through the tunnel' },
  stats: { type: 'integer', placeholder: 'SECONDS', least: 1, help: 'print figures this often' },
} as const;

export type ConnectOptions = OptionValues<typeof options>;

const tokensOf = (options: ConnectOptions): TokenSource => {
  const file = options['token-file'];
  const variable = options['token-env'];
  if ((file === undefined) === (variable === undefined))
    throw new UsageError('Give either --token-file or --token-env.');
  if (file !== undefined) return fileToken(file);
  const value = process.env[variable as string];
  if (value === undefined) throw new UsageError(`The environment variable ${variable} is not set.`);
  return staticToken(value, `the variable ${variable}`);
};

const settingsOf = (options: ConnectOptions): ConnectSettings => {
  const servers = (options.server ?? []).map((text) => {
    const server = parseServer(text);
    if (typeof server === 'string') throw new UsageError(`--server: ${server}.`);
    return server;
  });
  if (servers.length === 0) throw new UsageError('--server is missing: where is the edge?');
  const home = process.env['CBR_HOME'];
  return {
    servers,
    tokens: tokensOf(options),
    trust: { caFile: options.ca, pins: options.pin ?? [] },
    tun: parseTun(options, path.join(home ?? '/run/cloudbridge', 'connect')),
    statisticsSeconds: options.stats ?? 0,
  };
};

const teller = (output: Output) => (event: ConnectEvent) => {
  if (output.isForPrograms) output.line(event);
  else output.print(describe(event));
};

export const connect = defineCommand({
  name: 'connect',
  summary: 'connect this device to an edge and tunnel its traffic',
  description: [
    'Opens a QUIC connection to the edge and keeps it: reconnects by itself, keeps the addresses of the',
    'tunnel, renews the token from where it came. Everything that it sets is taken back at the end.',
    'SIGUSR1 prints figures.',
  ].join('\n'),
  options,
  examples: [
    {
      run: 'sudo cloudbridge connect --server https://edge.example --token-file token --tun cb0 --default-route',
      does: 'everything through the tunnel',
    },
  ],
  run: async ({ options, output }) => {
    const tell = teller(output);
    try {
      const client = new Client(settingsOf(options), tell);
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => client.stop());
      process.on('SIGUSR1', () => tell({ type: 'statistics', ...client.statistics() }));
      await client.run();
      if (output.isForPrograms) tell({ type: 'statistics', ...client.statistics() });
      else output.print(`ended: ${statisticsLine(client.statistics())}`);
      return SUCCESS;
    } catch (error) {
      if (error instanceof ConnectFailure) throw new CommandError(`${error.message}.`);
      throw error;
    }
  },
});
