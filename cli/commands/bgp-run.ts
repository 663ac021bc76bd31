import { defineCommand } from '../command.ts';
import { UsageError } from '../failure.ts';

const options = {
  config: { type: 'string', placeholder: 'FILE', help: 'neighbours and routes (TOML or JSON)' },
} as const;

export const bgpRun = defineCommand({
  name: 'bgp run',
  summary: 'run a BGP speaker by itself until it is told to stop',
  description: [
    'Logs one JSON object a line on stderr (CBR_LOG=debug says more). SIGTERM tells all neighbours and ends. SIGHUP',
    'reads the file again: neighbours that are the same keep their sessions. Nothing else of CloudBridge is needed. Without',
    'a policy nothing is taken from an external neighbour, and nothing told to it.',
    'docs/bgp.md explains every setting.',
  ].join('\n'),
  options,
  examples: [{ run: 'cloudbridge bgp run --config /etc/cloudbridge/bgp.toml', does: 'be a neighbour' }],
  run: async ({ options: { config } }) => {
    if (config === undefined) throw new UsageError('`bgp run` needs --config FILE.');
    const { runBgp } = await import('#pop-worker/bgp/main.ts');
    return runBgp(config);
  },
});
