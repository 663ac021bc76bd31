import { defineCommand } from '../command.ts';
import { controllerFromEnvironment } from '../congestion-controller.ts';
import { UsageError } from '../failure.ts';

const options = {
  config: { type: 'string', placeholder: 'FILE', help: 'configuration of the worker (TOML)' },
} as const;

export const workerRun = defineCommand({
  name: 'worker run',
  summary: 'serve devices at this machine until it is told to stop',
  description: [
    'Logs one JSON object a line on stderr (CBR_LOG=debug says more). SIGTERM drains, waits for sessions to move away,',
    'and removes TUN, routes and NAT; a second one ends at once. SIGHUP reads certificate and keys again, and what the',
    'control section or the static one names: credentials and CA (it connects anew), or keys of tokens and revocations.',
    'CBR_CC=bbrv3, cubic or newreno picks the congestion controller, whatever the file says.',
    'docs/operating-a-pop.md explains every setting.',
  ].join('\n'),
  options,
  examples: [{ run: 'cloudbridge worker run --config /etc/cloudbridge/worker.toml', does: 'serve' }],
  run: async ({ options: { config } }) => {
    if (config === undefined) throw new UsageError('`worker run` needs --config FILE.');
    const congestionControl = controllerFromEnvironment();
    const { runWorker } = await import('#pop-worker/main.ts');
    return runWorker(config, congestionControl);
  },
});
