import type { Client, ConnectEvent } from '#client/connect.ts';
import { ConnectFailure } from '#client/failure.ts';
import { statisticsLine } from '#client/statistics.ts';
import { defineCommand } from '../command.ts';
import { CommandError, SUCCESS } from '../failure.ts';
import type { Output } from '../output.ts';
import { describe } from './connect/describe.ts';
import { connectOptions } from './connect/options.ts';

const teller = (output: Output) => (event: ConnectEvent) => {
  if (output.isForPrograms) output.line(event);
  else output.print(describe(event));
};

const tellEnd = (output: Output, client: Client): void => {
  const statistics = client.statistics();
  if (output.isForPrograms) output.line({ type: 'ended', ...statistics });
  else output.print(`ended: ${statisticsLine(statistics)}`);
};

export const connect = defineCommand({
  name: 'connect',
  summary: 'connect this device to an edge and tunnel its traffic',
  description: [
    'Keeps a connection to the edge, by QUIC or, where no UDP gets through, by HTTP/2 over TCP: reconnects by itself',
    'and at once, so that TCP connections inside of the tunnel survive, and fetches the next token before the present',
    'one runs out. Ctrl-C ends it and takes back',
    'every address, route and rule; what a killed one left is taken back by the next start. Name servers are left',
    'as they are. SIGUSR1 prints figures. With --json each line is an object with a `type`: connecting, connected,',
    'tunnel, listening, disconnected, retrying, token-renewed, token-not-renewed, not-logged, statistics, ended.',
    'With QLOGDIR=DIRECTORY in the environment each connection is logged there as qlog (CBR_QLOG_FORMAT=0.3: for qvis).',
  ].join('\n'),
  options: connectOptions,
  examples: [
    {
      run: 'sudo cloudbridge connect --server https://edge.example --token-file token --tun cb0 --default-route',
      does: 'everything',
    },
    {
      run: 'sudo cloudbridge connect --server https://edge.example --token-file token --tun cb0 --route 10.64.0.0/10',
      does: 'one network',
    },
    {
      run: 'cloudbridge connect --server https://edge.example --token-env TOKEN --socks 1080 --http 8080',
      does: 'without root: `curl --socks5-hostname localhost:1080 …`',
    },
    {
      run: 'cloudbridge connect --server https://edge.example --token-file token --forward 5432=db.internal:5432',
      does: 'one port',
    },
    {
      run: 'cloudbridge connect --server https://192.0.2.1 --server https://[2001:db8::1]:8443 --pin sha256/… …',
      does: 'two edges, a known key instead of an authority',
    },
  ],
  run: async ({ options, output }) => {
    // Only here, for it loads the packet engine.
    const [{ Client }, { settingsOf }] = await Promise.all([
      import('#client/connect.ts'),
      import('./connect/settings.ts'),
    ]);
    try {
      const client = new Client(await settingsOf(options, (text) => output.remark(text)), teller(output));
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => client.stop());
      process.on('SIGUSR1', () => teller(output)({ type: 'statistics', ...client.statistics() }));
      await client.run();
      tellEnd(output, client);
      return SUCCESS;
    } catch (error) {
      if (!(error instanceof ConnectFailure)) throw error;
      throw new CommandError(`${error.message.charAt(0).toUpperCase()}${error.message.slice(1)}.`);
    }
  },
});
