import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';
import { ask, keptText, SOCKET_OPTION } from '../worker-socket.ts';

export const workerWithdraw = defineCommand({
  name: 'worker withdraw',
  summary: 'let routing lead nobody here any more; who comes is still served',
  options: SOCKET_OPTION,
  examples: [{ run: 'cloudbridge worker withdraw', does: 'move traffic away without ending sessions' }],
  run: async ({ options, output }) => {
    const result = await ask(options.socket, 'withdraw');
    if (output.isForPrograms) output.line(result);
    else output.print(`The worker is ${result['state']}.${keptText(result)}`);
    return SUCCESS;
  },
});
