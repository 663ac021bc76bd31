import { defineCommand } from '../command.ts';
import { FAILURE, SUCCESS } from '../failure.ts';
import { ask, SOCKET_OPTION } from '../worker-socket.ts';

/** What a worker answers to `wireguard`; devices as TENANT/DEVICE. */
interface KeysAnswer {
  readonly byPreviousKey: readonly string[];
  readonly sealedToPreviousKey: readonly string[];
}

interface Row {
  readonly device: string;
  readonly comesBy: 'previous' | null;
  readonly sealedTo: 'previous' | null;
}

const rowsOf = ({ byPreviousKey, sealedToPreviousKey }: KeysAnswer): Row[] => {
  const [here, sealed] = [new Set(byPreviousKey), new Set(sealedToPreviousKey)];
  return [...new Set([...byPreviousKey, ...sealedToPreviousKey])].sort().map((device) => ({
    device,
    comesBy: here.has(device) ? 'previous' : null,
    sealedTo: sealed.has(device) ? 'previous' : null,
  }));
};

export const workerWireguard = defineCommand({
  name: 'worker wireguard',
  summary: 'which devices still need the key of WireGuard before the newest',
  description: [
    'A device that comes by it has a configuration from before; one whose preshared key is sealed to it would be refused',
    'without it. Those that are at another worker, or at none, are shown there, or when they come; `wireguard rotation` shows',
    'those of the fleet. Exit code 1 while there are any.',
  ].join('\n'),
  options: SOCKET_OPTION,
  examples: [
    { run: 'cloudbridge worker wireguard', does: 'a table' },
    { run: 'cloudbridge worker wireguard --json', does: 'an array of them' },
  ],
  run: async ({ options, output }) => {
    const rows = rowsOf((await ask(options.socket, 'wireguard')) as unknown as KeysAnswer);
    output.list<Row>(
      [
        { heading: 'device', cell: ({ device }) => device },
        { heading: 'comes by', cell: ({ comesBy }) => (comesBy === null ? '-' : 'previous key') },
        { heading: 'preshared key sealed to', cell: ({ sealedTo }) => (sealedTo === null ? '-' : 'previous key') },
      ],
      rows,
    );
    if (rows.length === 0) output.remark('No device that is here or known needs the previous key.');
    return rows.length === 0 ? SUCCESS : FAILURE;
  },
});
