import { defineCommand } from '../command.ts';
import { SUCCESS, UsageError } from '../failure.ts';

const options = {
  'nats-host': { type: 'string', placeholder: 'HOST', help: 'address that NATS is reached at' },
  worker: { type: 'string', placeholder: 'POP/ID', repeated: true, help: 'make credentials for this worker' },
} as const;

export const installationCreate = defineCommand({
  name: 'installation create',
  summary: 'make the keys and files that a control plane starts from',
  positionals: [{ name: 'DIR', help: 'folder that they are put into' }],
  options,
  examples: [
    { run: 'cloudbridge installation create cb --nats-host 192.0.2.10', does: 'an installation on one machine' },
  ],
  run: async ({ words: [folder = ''], options: { 'nats-host': host, worker: workers = [] }, output }) => {
    if (host === undefined) throw new UsageError('`installation create` needs --nats-host HOST.');
    const { createInstallation } = await import('#services/installation/create.ts');
    output.line(await createInstallation(folder, host, workers));
    return SUCCESS;
  },
});
