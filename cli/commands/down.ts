import { takeDown } from '#lab/lab.ts';
import { DEFAULT_LAB_NAME } from '#lab/topology.ts';
import { contextOf, removeLabContext } from '../api/lab-context.ts';
import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';

const options = {
  name: { type: 'string', placeholder: 'LAB', help: `name of the lab (default ${DEFAULT_LAB_NAME})` },
} as const;

export const down = defineCommand({
  name: 'down',
  summary: 'remove what `up` left, also after a crash',
  description: 'Ends a lab that is still up, then removes its namespaces, processes and files. Twice is once.',
  options,
  examples: [
    { run: 'cloudbridge down', does: `remove the lab ${DEFAULT_LAB_NAME}` },
    { run: 'cloudbridge down --name two', does: 'remove another' },
  ],
  run: async ({ options, output }) => {
    const lab = options.name ?? DEFAULT_LAB_NAME;
    const removed = await takeDown(lab);
    removeLabContext(contextOf(lab));
    if (output.isForPrograms) output.line({ lab, removed });
    else output.print(removed ? `Lab \`${lab}\` is removed.` : `There was nothing of a lab \`${lab}\`.`);
    return SUCCESS;
  },
});
