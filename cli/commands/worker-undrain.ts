import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';
import { ask, SOCKET_OPTION } from '../worker-socket.ts';

export const workerUndrain = defineCommand({
  name: 'worker undrain',
  summary: 'serve again after `worker drain` or `worker withdraw`',
  options: SOCKET_OPTION,
  examples: [{ run: 'cloudbridge worker undrain', does: 'after maintenance' }],
  run: async ({ options, output }) => {
    const result = await ask(options.socket, 'undrain');
    if (output.isForPrograms) output.line(result);
    else output.print(`The worker is ${result['state']}.`);
    return SUCCESS;
  },
});
