import { defineCommand } from '../command.ts';
import { FAILURE, SUCCESS } from '../failure.ts';
import { ask, SOCKET_OPTION } from '../worker-socket.ts';

type Row = readonly [name: string, value: unknown];

export const workerStatus = defineCommand({
  name: 'worker status',
  summary: 'state, sessions and connections of a worker on this machine',
  description: 'Exit code 1 when a data-plane thread does not answer.',
  options: SOCKET_OPTION,
  examples: [
    { run: 'cloudbridge worker status', does: 'a table' },
    { run: 'cloudbridge worker status --json --socket /run/w2.sock', does: 'one object, of another worker' },
  ],
  run: async ({ options, output }) => {
    const status = await ask(options.socket, 'status');
    if (output.isForPrograms) output.line(status);
    else {
      output.list<Row>(
        [
          { heading: 'what', cell: ([name]) => name },
          { heading: 'value', cell: ([, value]) => String(value) },
        ],
        Object.entries(status),
      );
    }
    return status['healthy'] === true ? SUCCESS : FAILURE;
  },
});
