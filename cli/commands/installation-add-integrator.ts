import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';
import { DIR, TELL_NATS, work } from '../installation.ts';

export const installationAddIntegrator = defineCommand({
  name: 'installation add-integrator',
  summary: "make credentials that read a tenant's events from NATS, and nothing else",
  description: 'Works offline. Credentials that are there are kept.',
  positionals: [DIR, { name: 'TENANT', help: 'whose events', repeated: true }],
  options: {},
  examples: [{ run: 'cloudbridge installation add-integrator cb acme', does: "a folder to give to acme's people" }],
  run: async ({ words: [folder = '', ...tenants], output }) => {
    const { addIntegrators } = await import('#services/installation/create.ts');
    const { changed, accountsChanged } = await work(() => addIntegrators(folder, tenants));
    for (const files of changed) {
      if (output.isForPrograms) output.line(files);
      else {
        output.print(`Give ${files.folder}/ to those who integrate ${files.tenant}. They connect to`);
        output.print(
          `${files.servers.join(', ')} with inbox prefix ${files.inboxPrefix} and may read ${files.subjects}`,
        );
        output.print(`of CB_EVENTS, through consumers named ${files.consumers[0]} to ${files.consumers.at(-1)}.`);
      }
    }
    if (accountsChanged) output.remark(TELL_NATS);
    return SUCCESS;
  },
});
