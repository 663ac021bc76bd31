import { defineCommand } from '../command.ts';
import { UsageError } from '../failure.ts';

const options = {
  config: { type: 'string', placeholder: 'FILE', help: 'filter, lists and services (TOML or JSON)' },
} as const;

export const xdpRun = defineCommand({
  name: 'xdp run',
  summary: 'judge what comes in by an interface before the kernel does, until it is told to stop',
  description: [
    'Attaches an XDP program to the interface: malformed packets, impossible sources and those of deny lists are dropped',
    'there; packets to services go to their backends, those that checks find well. Logs one JSON object a line on stderr',
    '(CBR_LOG=debug says more). SIGHUP reads the file again; SIGTERM takes the program away. When the process dies the',
    'program goes on with what it knew; the next one takes it over. Needs root, or CAP_NET_ADMIN and CAP_BPF, and nothing',
    'else of CloudBridge.',
    'docs/defence.md and docs/load-balancing.md explain every setting.',
  ].join('\n'),
  positionals: [{ name: 'IFACE', help: 'the interface, such as eth0' }],
  options,
  examples: [{ run: 'cloudbridge xdp run eth0 --config /etc/cloudbridge/xdp.toml', does: 'guard eth0' }],
  run: async ({ options: { config }, words: [name = ''] }) => {
    if (config === undefined) throw new UsageError('`xdp run` needs --config FILE.');
    const { runXdp } = await import('#pop-worker/xdp/main.ts');
    return runXdp(name, config);
  },
});
