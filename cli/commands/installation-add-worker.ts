import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';
import { DIR, TELL_NATS, work } from '../installation.ts';

export const installationAddWorker = defineCommand({
  name: 'installation add-worker',
  summary: 'make the files that a PoP worker starts from',
  description:
    'Works offline. Files that are there are kept. The PoP and the worker have to be created in the API too.',
  positionals: [DIR, { name: 'POP/ID', help: 'the PoP, and the worker in it', repeated: true }],
  options: {
    'mesh-address': {
      type: 'string',
      placeholder: 'ADDRESS',
      help: 'where other workers reach it: it gets a certificate of the mesh (default: it is no member)',
    },
  },
  examples: [
    { run: 'cloudbridge installation add-worker cb moscow/w1', does: 'a folder to copy to that worker' },
    {
      run: 'cloudbridge installation add-worker cb moscow/w1 --mesh-address 203.0.113.7',
      does: 'the same for a member of the mesh',
    },
  ],
  run: async ({ words: [folder = '', ...names], options, output }) => {
    const { addWorkers } = await import('#services/installation/create.ts');
    const { changed, accountsChanged } = await work(() => addWorkers(folder, names, options['mesh-address']));
    if (output.isForPrograms) for (const files of changed) output.line(files);
    else {
      for (const files of changed) output.print(`Copy ${files.folder}/ to the worker, as /etc/cloudbridge.`);
      const [mesh] = changed.flatMap((files) => files.mesh ?? []);
      if (mesh !== undefined)
        output.print(
          `Create it in the API with its place in the mesh: cloudbridge worker create ${names[0]} --mesh-address ${mesh.address} --mesh-pin ${mesh.pin}`,
        );
    }
    if (accountsChanged) output.remark(TELL_NATS);
    return SUCCESS;
  },
});
