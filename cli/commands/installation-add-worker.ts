import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';
import { DIR, TELL_NATS, work } from '../installation.ts';

export const installationAddWorker = defineCommand({
  name: 'installation add-worker',
  summary: 'make the files that a PoP worker starts from',
  description:
    'Works offline. Files that are there are kept. The PoP and the worker have to be created in the API too.',
  positionals: [DIR, { name: 'POP/ID', help: 'the PoP, and the worker in it', repeated: true }],
  options: {},
  examples: [{ run: 'cloudbridge installation add-worker cb moscow/w1', does: 'a folder to copy to that worker' }],
  run: async ({ words: [folder = '', ...names], output }) => {
    const { addWorkers } = await import('#services/installation/create.ts');
    const { changed, accountsChanged } = await work(() => addWorkers(folder, names));
    if (output.isForPrograms) for (const files of changed) output.line(files);
    else for (const files of changed) output.print(`Copy ${files.folder}/ to the worker, as /etc/cloudbridge.`);
    if (accountsChanged) output.remark(TELL_NATS);
    return SUCCESS;
  },
});
