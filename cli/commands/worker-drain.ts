import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';
import { ask, SOCKET_OPTION } from '../worker-socket.ts';

export const workerDrain = defineCommand({
  name: 'worker drain',
  summary: 'take no new sessions and tell those there are to go elsewhere',
  options: SOCKET_OPTION,
  examples: [{ run: 'cloudbridge worker drain', does: 'before maintenance' }],
  run: async ({ options, output }) => {
    const result = await ask(options.socket, 'drain');
    if (output.isForPrograms) output.line(result);
    else output.print(`The worker is ${result['state']}.`);
    return SUCCESS;
  },
});
