import { defineCommand } from '../command.ts';
import { FAILURE, SUCCESS } from '../failure.ts';
import { ask, SOCKET_OPTION } from '../worker-socket.ts';
import { type WorkerAnswer, workerRows } from './worker-status/rows.ts';

export const workerStatus = defineCommand({
  name: 'worker status',
  summary: 'how a worker on this machine is, and what it knows of its control plane',
  description: [
    'Orders are what keeps it from serving as usual: each holds until whoever gave it takes it back. The control plane',
    'is connected while there is a connection to NATS; the last contact is its last sign of life; membership (devices,',
    'networks, revocations) is as old as said at most. Exit code 1 when a data-plane thread does not answer.',
  ].join('\n'),
  options: SOCKET_OPTION,
  examples: [
    { run: 'cloudbridge worker status', does: 'a table' },
    { run: 'cloudbridge worker status --json --socket /run/w2.sock', does: 'one object, of another worker' },
  ],
  run: async ({ options, output }) => {
    const status = await ask(options.socket, 'status');
    output.record(status, workerRows(status as unknown as WorkerAnswer, Date.now()));
    return status['healthy'] === true ? SUCCESS : FAILURE;
  },
});
