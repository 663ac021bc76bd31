import path from 'node:path';
import type { CreatedInstallation } from '#services/installation/create.ts';
import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';
import { TELL_NATS, work } from '../installation.ts';

const options = {
  'nats-host': {
    type: 'string',
    placeholder: 'HOST',
    repeated: true,
    help: 'name or address that NATS is reached at: one, or three for a cluster',
  },
  'nats-alias': {
    type: 'string',
    placeholder: 'HOST',
    repeated: true,
    help: 'another name or address that NATS is reached at',
  },
  'services-host': {
    type: 'string',
    placeholder: 'HOST',
    help: 'name or address that the services are reached at (default: the first of NATS)',
  },
  'edge-address': {
    type: 'string',
    placeholder: 'IP',
    repeated: true,
    help: 'address that devices connect to; needed for workers',
  },
  'edge-name': { type: 'string', placeholder: 'NAME', repeated: true, help: 'name that devices connect to' },
  worker: { type: 'string', placeholder: 'POP/ID', repeated: true, help: 'make the files of this worker too' },
} as const;

/** What an operator says once the API runs, for clients of WireGuard. */
const wireguardStep = ({ wireguard: { publicKey, endpoints } }: CreatedInstallation): string[] => {
  if (endpoints.length === 0) return [];
  const asked = endpoints.map((endpoint) => `--endpoints ${endpoint.startsWith('[') ? `'${endpoint}'` : endpoint}`);
  return [
    'Workers serve WireGuard clients too. Once the API runs, say what those are told:',
    `  cloudbridge wireguard edge update --public-key ${publicKey} ${asked.join(' ')}`,
  ];
};

const nextSteps = (folder: string, created: CreatedInstallation): string => {
  const rows = [
    ...created.natsServers.map(({ config }) => [config, 'nats-server -c nats.conf, started in that folder'] as const),
    [created.servicesConfig, 'cloudbridge serve auth|token|config --config services.toml'] as const,
    ...Object.values(created.workerConfigs).map(
      (file) => [file, 'cloudbridge worker run --config worker.toml'] as const,
    ),
  ].map(([file, command]) => [`${path.relative(folder, path.dirname(file))}/`, command] as const);
  const width = Math.max(...rows.map(([from]) => from.length));
  return [
    `${folder} is complete. Copy each of these folders to the machines that need it, and run there:`,
    ...rows.map(([from, command]) => `  ${from.padEnd(width)}  ${command}`),
    'Keep ca/ and keys/ here, offline and backed up: whoever has them can be anybody in this installation.',
    ...wireguardStep(created),
    'Next: docs/operating-the-control-plane.md.',
  ].join('\n');
};

export const installationCreate = defineCommand({
  name: 'installation create',
  summary: 'make the keys, certificates and files that a control plane starts from',
  description: [
    'Works offline. Makes one folder for each machine: NATS servers, services, workers. What is there is kept, so that it',
    'may run again with the same options, with more workers, or after it was cut off.',
  ].join('\n'),
  positionals: [{ name: 'DIR', help: 'new folder, or one that it made before' }],
  options,
  examples: [
    { run: 'cloudbridge installation create cb --nats-host 192.0.2.10', does: 'NATS and services on one machine' },
    {
      run: 'cloudbridge installation create cb --nats-host n1.example --nats-host n2.example --nats-host n3.example',
      does: 'NATS as a cluster',
    },
  ],
  run: async ({ words: [folder = ''], options: given, output }) => {
    const { createInstallation } = await import('#services/installation/create.ts');
    const {
      'nats-host': natsHosts,
      'nats-alias': natsAliases,
      'services-host': servicesHost,
      'edge-address': edgeAddresses,
      'edge-name': edgeNames,
      worker: workers,
    } = given;
    const created = await work(() =>
      createInstallation({
        folder,
        ...(natsHosts && { natsHosts: [...natsHosts] }),
        ...(natsAliases && { natsAliases: [...natsAliases] }),
        ...(servicesHost !== undefined && { servicesHost }),
        ...(edgeAddresses && { edgeAddresses: [...edgeAddresses] }),
        ...(edgeNames && { edgeNames: [...edgeNames] }),
        ...(workers && { workers }),
      }),
    );
    if (output.isForPrograms) output.line(created);
    else output.print(nextSteps(path.resolve(folder), created));
    if (created.accountsChanged) output.remark(TELL_NATS);
    return SUCCESS;
  },
});
