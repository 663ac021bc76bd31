import { defineCommand } from '../command.ts';
import { UsageError } from '../failure.ts';

const options = {
  config: { type: 'string', placeholder: 'FILE', help: 'zones, PoPs and places (TOML or JSON)' },
} as const;

export const dnsRun = defineCommand({
  name: 'dns run',
  summary: 'answer DNS queries with the nearest PoP, by itself, until it is told to stop',
  description: [
    'Authoritative for the zones of its file and nothing else. Logs one JSON object a line on stderr (CBR_LOG=debug says',
    'more). SIGTERM ends it; SIGHUP reads the file again. Nothing else of CloudBridge is needed.',
    'docs/dns.md explains every setting.',
  ].join('\n'),
  options,
  examples: [{ run: 'cloudbridge dns run --config /etc/cloudbridge/dns.toml', does: 'answer' }],
  run: async ({ options: { config } }) => {
    if (config === undefined) throw new UsageError('`dns run` needs --config FILE.');
    const { runDns } = await import('#pop-worker/dns/main.ts');
    return runDns(config);
  },
});
