import type { Service } from '#services/process/main.ts';
import { defineCommand } from '../command.ts';
import { UsageError } from '../failure.ts';

const options = {
  config: { type: 'string', placeholder: 'FILE', help: 'configuration of the services (TOML)' },
} as const;

const FOR_EVER = new Promise<never>(() => {});

/** The edge has a file of its own, for it may stand on a machine of its own. */
const fileOf = (service: Service): string => (service === 'edge' ? 'edge.toml' : 'services.toml');

const serveCommand = (service: Service, summary: string) =>
  defineCommand({
    name: `serve ${service}`,
    summary,
    description: [
      'Keeps no state of its own: any number of copies may run. Logs one JSON object a line on stderr (CBR_LOG=debug says',
      'more). SIGTERM lets running calls end.',
    ].join('\n'),
    options,
    examples: [{ run: `cloudbridge serve ${service} --config /etc/cloudbridge/${fileOf(service)}`, does: 'serve' }],
    run: async ({ options: { config } }) => {
      if (config === undefined) throw new UsageError(`\`serve ${service}\` needs --config FILE.`);
      const { runService } = await import('#services/process/main.ts');
      return (await runService(service, config)) ?? FOR_EVER;
    },
  });

export const serveAuth = serveCommand('auth', 'run a copy of the identity provider');
export const serveToken = serveCommand('token', 'run a copy of the service that gives devices their tokens');
export const serveConfig = serveCommand('config', 'run a copy of the configuration API');
export const serveEdge = serveCommand('edge', 'run a copy of the API at the edge: the Worker, in workerd');
